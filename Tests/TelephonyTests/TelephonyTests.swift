import Testing

/// All tests of CTelephony hang below this suite: a process has one instance of the shim, so no two of them may run at
/// the same time.
@Suite(.serialized) enum TelephonyTests {}
