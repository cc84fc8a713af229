import CTelephony
import Foundation
import Testing

/// Digest as RFC 7616 §3.4 has it, computed by OpenSSL rather than by what is tested.
enum Digest {
    enum Algorithm: String, CaseIterable {
        case sha256 = "SHA-256"
        case md5 = "MD5"
    }

    private typealias Function =
        @convention(c) (
            UnsafePointer<UInt8>?, Int, UnsafeMutablePointer<UInt8>?
        ) -> UnsafeMutablePointer<UInt8>?

    static func hash(_ text: String, _ algorithm: Algorithm) -> String {
        let name = algorithm == .md5 ? "MD5" : "SHA256"
        guard let symbol = dlsym(UnsafeMutableRawPointer(bitPattern: 0), name) else { fatalError("no libcrypto") }
        var hash = [UInt8](repeating: 0, count: algorithm == .md5 ? 16 : 32)
        _ = unsafeBitCast(symbol, to: Function.self)(Array(text.utf8), text.utf8.count, &hash)
        return hash.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    static func response(
        _ method: String, uri: String, user: String, realm: String, password: String, nonce: String, count: String,
        cnonce: String, _ algorithm: Algorithm
    ) -> String {
        let secret = hash("\(user):\(realm):\(password)", algorithm)
        let what = hash("\(method):\(uri)", algorithm)
        return hash("\(secret):\(nonce):\(count):\(cnonce):auth:\(what)", algorithm)
    }

    /// `name="value"` and `name=value` of a challenge or credential.
    static func parameter(_ name: String, of header: String) -> String? {
        for part in header.dropFirst("Digest ".count).components(separatedBy: ",") {
            let pair = part.trimmingCharacters(in: .whitespaces).split(separator: "=", maxSplits: 1).map(String.init)
            if pair.count == 2, pair[0] == name { return pair[1].trimmingCharacters(in: ["\""]) }
        }
        return nil
    }

    /// Whether a credential is signed with that password.
    static func isSigned(_ credential: String, _ method: String, password: String) -> Bool {
        func part(_ name: String) -> String { parameter(name, of: credential) ?? "" }
        guard let algorithm = Algorithm(rawValue: part("algorithm")) else { return false }
        return part("response")
            == response(
                method, uri: part("uri"), user: part("username"), realm: part("realm"), password: password,
                nonce: part("nonce"), count: part("nc"), cnonce: part("cnonce"), algorithm)
    }
}

/// What a phone does with a challenge.
struct Signer {
    var user = "7000"
    var password = "geheim"
    var algorithm = Digest.Algorithm.sha256
    var realm = "office"
    var uri: String?
    var qop = true

    func header(_ method: String, nonce: String, count: Int, shim: Shim) -> String {
        let nc = String(format: "%08x", count)
        let uri = uri ?? "sip:7000@127.0.0.1:\(shim.port)"
        let response = Digest.response(
            method, uri: uri, user: user, realm: realm, password: password, nonce: nonce, count: nc, cnonce: "c0ffee",
            algorithm)
        return "Authorization: Digest username=\"\(user)\", realm=\"\(realm)\", nonce=\"\(nonce)\", uri=\"\(uri)\", "
            + "response=\"\(response)\", algorithm=\(algorithm.rawValue), cnonce=\"c0ffee\", nc=\(nc)"
            + (qop ? ", qop=auth" : "")
    }
}

/// Sets accounts: user → password, or `md5:…` and `sha256:…` hashes.
func setAccounts(_ accounts: [String: String]) -> tel_result {
    var owned: [UnsafeMutablePointer<CChar>] = []
    func keep(_ text: String) -> UnsafePointer<CChar> {
        let copy = strdup(text)!
        owned.append(copy)
        return UnsafePointer(copy)
    }
    defer { owned.forEach { free($0) } }
    let list = accounts.map { user, secret in
        func hash(_ kind: String) -> UnsafePointer<CChar>? {
            secret.hasPrefix(kind) ? keep(String(secret.dropFirst(kind.count))) : nil
        }
        let isHashed = secret.hasPrefix("md5:") || secret.hasPrefix("sha256:")
        return tel_account(
            user: keep(user), password: isHashed ? nil : keep(secret), ha1_md5: hash("md5:"),
            ha1_sha256: hash("sha256:"))
    }
    return tel_set_accounts(list, list.count)
}
