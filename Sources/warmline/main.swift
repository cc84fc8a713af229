// warmline: an attended-transfer call controller. SPDX-License-Identifier: GPL-2.0-or-later

import Glibc

exit(CommandLineTool.main(Array(CommandLine.arguments.dropFirst())))
