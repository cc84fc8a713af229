import Glibc

/// Where a running controller is to be found: what names its control socket, and its log where it does not run.
public enum ControllerPlace: Hashable, Sendable {
    case socket(String)
    /// The file that it runs with.
    case configuration(String)

    /// What is meant where nothing is named: `warmline.sock` in the present directory, else the socket of the installed
    /// service, else what its configuration names; null where none of them is there.
    /// - Parameters:
    ///   - directory: stands before the socket of the present directory.
    ///   - root: stands before the service's paths.
    public static func present(in directory: String = "", root: String = "") -> ControllerPlace? {
        let sockets = [directory + Configuration.Control.defaultSocket, root + Configuration.Control.serviceSocket]
        if let socket = sockets.first(where: exists) { return .socket(socket) }
        return serviceConfiguration(root: root).map { .configuration($0) }
    }

    /// The configuration of the installed service, where there is one.
    public static func serviceConfiguration(root: String = "") -> String? {
        let file = root + "/etc/warmline/warmline.json5"
        return exists(file) ? file : nil
    }

    /// What may not be looked at is there: who asks learns that from the attempt.
    private static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 || errno == EACCES }
}
