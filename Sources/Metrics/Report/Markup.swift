/// Text for HTML and SVG.
enum Markup {
    /// With the characters that mean something to a browser replaced.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            // Control characters are no characters of XML.
            case _ where scalar.value < 0x20 && scalar != "\n" && scalar != "\t": result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// A coordinate with at most one decimal.
    static func number(_ value: Double) -> String {
        let tenths = Int64((value * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths < 0 ? "-" : "")\(abs(tenths) / 10).\(abs(tenths) % 10)"
    }

    /// Colours by meaning, light and dark; the same in every drawing.
    static let palette = """
        :root{color-scheme:light dark;--ink:#1b2430;--soft:#5c6b7c;--line:#d8dee6;--paper:#fff;--card:#f5f7fa;\
        --talk:#2f7d5b;--wait:#d9a02b;--hold:#c4562f;--consult:#4a6fb5;--ring:#9db0c7;--conf:#7a4fa3;--idle:#dfe4ea;\
        --good:#2f7d5b;--bad:#b93a32}
        @media (prefers-color-scheme:dark){:root{--ink:#e8edf3;--soft:#9fb0c2;--line:#323d4a;--paper:#12181f;\
        --card:#1b232d;--talk:#4fb387;--wait:#e3b550;--hold:#e57a52;--consult:#7d9fe0;--ring:#5b6d82;--conf:#ab86d6;\
        --idle:#2b3541;--good:#4fb387;--bad:#ef7069}}
        """
}
