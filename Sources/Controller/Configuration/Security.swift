import Foundation

extension Configuration {
    /// Certificates of `tls:` listen entries, in PEM.
    public struct TLS: Hashable, Sendable {
        public var certificate: String?
        public var privateKey: String?
        /// Authorities whose certificates are believed.
        public var ca: String?
        /// Whether servers that we connect to have to show a certificate for their name.
        public var verifyPeer = true
    }

    /// Encryption of RTP with keys in the session description (RFC 4568).
    public enum SRTP: String, Hashable, Sendable, CaseIterable {
        case off
        /// Offered beside plain RTP, taken where it is offered.
        case optional
        case required
    }

    /// What is allowed, and hardly meant, of the keys that keep others out.
    var securityWarnings: [String] {
        let isSecure = sip.listen.contains { $0.transport == .tls }
        var warnings: [String] = []
        if media.srtp != .off, !isSecure {
            warnings.append(
                "media.srtp: the keys travel in SIP messages, and no address of sip.listen is tls: "
                    + "who can read these can listen")
        }
        if isSecure, !sip.tls.verifyPeer {
            warnings.append("sip.tls.verifyPeer: false: whoever answers for a server is taken for it")
        }
        return warnings
    }
}

extension ConfigurationReader {
    mutating func readTLS(_ section: ConfigSection) {
        var tls = Configuration.TLS()
        tls.certificate = pem(section, "certificate", holds: "CERTIFICATE")
        tls.privateKey = pem(section, "privateKey", holds: "PRIVATE KEY")
        tls.ca = pem(section, "ca", holds: "CERTIFICATE")
        tls.verifyPeer = section.bool("verifyPeer", default: tls.verifyPeer)
        section.finish()
        configuration.sip.tls = tls
        guard let entry = configuration.sip.listen.first(where: { $0.transport == .tls }) else { return }
        for (key, value) in [("certificate", tls.certificate), ("privateKey", tls.privateKey)]
        where value == nil && section.isNull(key) {
            section.add(key, "is missing: sip.listen has \(entry)")
        }
        if tls.verifyPeer, tls.ca == nil, section.isNull("ca") {
            section.add("ca", "is missing: without it no server can be verified; or set verifyPeer to false")
        }
    }

    private func pem(_ section: ConfigSection, _ key: String, holds what: String) -> String? {
        guard let file = section.optionalString(key) else { return nil }
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
            section.add(key, "\"\(file)\" cannot be read")
            return nil
        }
        if !text.contains("-----BEGIN ") || !text.contains("\(what)-----") {
            section.add(key, "\"\(file)\" holds no \(what.lowercased()) in PEM")
        }
        return file
    }
}
