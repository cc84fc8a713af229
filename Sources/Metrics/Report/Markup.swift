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

    /// Colours by meaning, the same in every drawing, and those of words upon them; told apart by the colour-blind too
    /// (the hues are Okabe and Ito's). Paper is light.
    static let palette = """
        :root{color-scheme:light dark;--ink:#17202b;--soft:#566372;--line:#dde3ea;--paper:#f3f5f8;--card:#fff;\
        --talk:#0b7a5e;--wait:#e3a72f;--hold:#b9481a;--consult:#2f6db3;--ring:#a9b6c6;--conf:#7d4fa0;--idle:#e4e9ef;\
        --on-talk:#fff;--on-wait:#17202b;--on-hold:#fff;--on-consult:#fff;--on-ring:#17202b;--on-conf:#fff;\
        --good:#0b7a5e;--bad:#b3261e;--missed:#8fbfb1}
        @media screen and (prefers-color-scheme:dark){:root{--ink:#e9eef4;--soft:#a3b2c2;--line:#2e3946;\
        --paper:#0f141a;--card:#18202a;--talk:#3fb892;--wait:#edc05a;--hold:#ef8a5e;--consult:#7fb0f0;--ring:#8497ab;\
        --conf:#b795e0;--idle:#2a3541;--on-talk:#0f141a;--on-wait:#0f141a;--on-hold:#0f141a;--on-consult:#0f141a;\
        --on-ring:#0f141a;--on-conf:#0f141a;--good:#4fd1a5;--bad:#ff8a80;--missed:#2b5f52}}
        """
}
