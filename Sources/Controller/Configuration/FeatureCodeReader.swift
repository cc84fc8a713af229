import TransferEngine

// `transfer.featureCodes`.

/// The codes and the states in which each is listened for (design: the table of feature codes). A code that only plays
/// an error tone is listened for as well: it must not be mistaken for another.
private enum Code: String, CaseIterable {
    case consult, cancel, complete, merge, swap, blind, hold, resolve

    static let states: [(name: String, codes: [Code])] = [
        ("while talking", [.consult, .blind, .hold, .resolve]),
        ("in a consult", [.complete, .cancel, .merge, .swap, .blind, .hold, .resolve]),
        ("while the caller is held", [.consult, .cancel, .merge, .swap, .blind, .hold, .resolve]),
    ]
}

extension ConfigurationReader {
    func readFeatureCodes(_ section: ConfigSection, into transfer: inout TransferSettings) {
        var codes: [Code: String] = [:]
        let defaults = TransferSettings.FeatureCodes()
        func read(_ code: Code, default fallback: String?) -> String? {
            guard let text = section.optionalString(code.rawValue, default: fallback) else { return nil }
            guard (1...8).contains(text.count), text.allSatisfy({ Digit($0) != nil }) else {
                section.add(
                    code.rawValue, "must be 1 to 8 of the keys 0 to 9, *, #, A to D, or null, is \"\(text)\"")
                return nil
            }
            codes[code] = text
            return text
        }
        transfer.featureCodes = TransferSettings.FeatureCodes(
            consult: read(.consult, default: defaults.consult),
            cancel: read(.cancel, default: defaults.cancel),
            complete: read(.complete, default: defaults.complete),
            merge: read(.merge, default: defaults.merge),
            swap: read(.swap, default: defaults.swap),
            blind: read(.blind, default: defaults.blind),
            hold: read(.hold, default: defaults.hold),
            resolve: read(.resolve, default: defaults.resolve))
        refuseAmbiguous(codes, in: section)
        section.finish()
    }

    /// Of two codes listened for in one state none may begin the other: the shorter would always win.
    private func refuseAmbiguous(_ codes: [Code: String], in section: ConfigSection) {
        var told: Set<[Code]> = []
        for state in Code.states {
            for (index, first) in state.codes.enumerated() {
                for second in state.codes[(index + 1)...] {
                    guard let a = codes[first], let b = codes[second], a.hasPrefix(b) || b.hasPrefix(a),
                        told.insert([first, second]).inserted
                    else { continue }
                    let (short, long) = a.count <= b.count ? (first, second) : (second, first)
                    let relation = a == b ? "is also the code for" : "begins with the code for"
                    section.add(
                        long.rawValue,
                        "\(codes[long] ?? "") \(relation) \(short.rawValue) (\(codes[short] ?? "")); "
                            + "both are listened for \(state.name)")
                }
            }
        }
    }
}
