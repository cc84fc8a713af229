import CallEvents
