import CTelephony
print(String(cString: tel_strerror(TEL_OK)))
