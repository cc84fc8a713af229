import Glibc

/// `testphone load …`: puts load on a SIP server and prints what it cost. Returns the exit status: 0 done, 1 it could
/// not be done, 2 wrong usage. `arguments` begin after the word `load`.
func runLoad(_ arguments: [String]) -> Int32 {
    if arguments.contains("--help") {
        print(LoadOptions.usage)
        return 0
    }
    do {
        let options = try LoadOptions(arguments: arguments)
        switch options.mode {
        case .watch: return watch(options)
        case .transfer, .plain, .held: return try LoadRun(options).run()
        }
    } catch let error as LoadUsageError {
        complain("\(error.message)\n\n\(LoadOptions.usage)")
        return 2
    } catch {
        complain("\(error)")
        return 1
    }
}

private func watch(_ options: LoadOptions) -> Int32 {
    guard let pid = options.pid, let before = LoadSample(pid: pid) else {
        complain("no process \(options.pid ?? 0)")
        return 1
    }
    usleep(UInt32(options.duration * 1e6))
    guard let after = LoadSample(pid: pid) else {
        complain("process \(pid) ended")
        return 1
    }
    var report = LoadReport()
    report.add("cpu_percent", (after.cpu - before.cpu) / (after.at - before.at) / 10)
    report.add("rss_kb", Double(after.resident))
    report.add("pss_kb", Double(after.proportional))
    report.print(json: options.json)
    return 0
}

func complain(_ text: String) {
    let line = Array("testphone load: \(text)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
}
