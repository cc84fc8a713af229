import Foundation

extension Configuration {
    /// What is allowed, and hardly meant: a line each. Looks at the file system.
    public var warnings: [String] { securityWarnings + [textfileWarning].compactMap(\.self) }

    /// The directory belongs to another program, which may make it later: no mistake.
    private var textfileWarning: String? {
        guard let file = metrics.textfile else { return nil }
        let directory = file.lastIndex(of: "/").map { String(file[...$0]) } ?? "."
        var isDirectory: ObjCBool = false
        if FileManager.default.fileExists(atPath: directory, isDirectory: &isDirectory), isDirectory.boolValue {
            return nil
        }
        return "metrics.textfile: there is no directory \(directory): the file cannot be written until there is"
    }
}
