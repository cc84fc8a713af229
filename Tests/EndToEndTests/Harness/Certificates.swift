import Foundation

/// Certificates for one test, made by `openssl`.
struct Certificates {
    let directory: URL

    var authority: String { path("ca.pem") }

    /// Options of a test phone that listens by TLS with one of the certificates and believes the authority.
    func options(_ name: String) -> [String] {
        ["--tls-certificate", path("\(name).pem"), "--tls-key", path("\(name).key"), "--tls-ca", authority]
    }

    /// `sip.tls` of a controller that shows the good one.
    static var configuration: [String: Any] {
        [
            "certificate": "{directory}/good.pem", "privateKey": "{directory}/good.key", "ca": "{directory}/ca.pem",
        ]
    }

    /// An authority with certificates for the address: `good`, `expired`, `other-name`, and one of `other-ca`.
    static func make(for address: String, in directory: URL) async throws {
        let certificates = Certificates(directory: directory)
        try await certificates.makeAuthority("ca")
        try await certificates.makeAuthority("other")
        try await certificates.issue("good", by: "ca", for: address, days: 2)
        try await certificates.issue("expired", by: "ca", for: address, days: -1)
        try await certificates.issue("other-name", by: "ca", for: "192.0.2.1", days: 2)
        try await certificates.issue("other-ca", by: "other", for: address, days: 2)
    }

    private func path(_ name: String) -> String { directory.appending(path: name).path(percentEncoded: false) }

    private static let newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]

    private func makeAuthority(_ name: String) async throws {
        try await openssl(
            ["req", "-x509"] + Self.newKey
                + ["-keyout", path("\(name).key"), "-out", path("\(name).pem"), "-subj", "/CN=\(name)", "-days", "2"])
    }

    private func issue(_ name: String, by authority: String, for address: String, days: Int) async throws {
        let extensions = path("\(name).ext")
        try "subjectAltName = IP:\(address)\n".write(toFile: extensions, atomically: true, encoding: .utf8)
        try await openssl(
            ["req"] + Self.newKey
                + ["-keyout", path("\(name).key"), "-out", path("\(name).csr"), "-subj", "/CN=\(name)"])
        try await openssl([
            "x509", "-req", "-in", path("\(name).csr"), "-CA", path("\(authority).pem"), "-CAkey",
            path("\(authority).key"), "-CAcreateserial", "-out", path("\(name).pem"), "-days", "\(days)", "-extfile",
            extensions,
        ])
    }

    private func openssl(_ arguments: [String]) async throws {
        let child = try Child("openssl", Executables.system("openssl"), arguments)
        try await wait(10, for: "the end of openssl \(arguments[0])") { child.isDone }
        guard child.exitStatus == 0 else { throw Failure("openssl \(arguments): \(child.errors)") }
    }
}
