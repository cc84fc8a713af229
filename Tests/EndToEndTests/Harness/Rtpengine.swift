import Foundation

/// A real rtpengine, in user space, at the scene's address: with WARMLINE_RTPENGINE in the environment, as in
/// `make interop`, every scene has one, and RTP is left to it.
enum Rtpengine {
    static let isWanted = ProcessInfo.processInfo.environment["WARMLINE_RTPENGINE"] != nil

    private static let digitsPort = 2222

    /// The nth of the scene, with RTP at its address or, where all scenes share one, at that, with ports of the process's
    /// own. It is ready within the second that the controller waits for it at its start.
    static func start(at address: String, number: Int = 0, interface: String? = nil) throws -> Child {
        let ports = interface == nil ? 30000 + number * 1000 : 30000 + Int(getpid()) % 60 * 400
        return try Child(
            "rtpengine \(number)", Executables.system("rtpengine"),
            [
                "--config-file=none", "--table=-1", "--foreground", "--log-stderr", "--log-level=5",
                "--interface=\(interface ?? address)",
                "--listen-ng=\(address):\(port(number))", "--dtmf-log-dest=\(address):\(digitsPort)",
                "--port-min=\(ports)", "--port-max=\(ports + (interface == nil ? 999 : 399))", "--delete-delay=0",
                "--num-threads=2",
            ])
    }

    /// The controller's side of so many nodes.
    static func configuration(at address: String, nodes: Int = 1) -> [String: Any] {
        [
            "media.engine": "rtpengine",
            "media.rtpengines": (0..<nodes).map { "udp:\(address):\(port($0))" },
            "media.rtpengineDigits": "udp:\(address):\(digitsPort)",
        ]
    }

    private static func port(_ number: Int) -> Int { 2223 + number }
}
