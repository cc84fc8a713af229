// testphone: a scriptable SIP softphone for tests, demonstrations and for whoever wants to try a set-up.
// SPDX-License-Identifier: GPL-2.0-or-later

import Foundation

// A test that has gone away must not kill the phone in the middle of a line.
signal(SIGPIPE, SIG_IGN)
run(CommandLine.arguments)
