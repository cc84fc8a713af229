import Foundation
import TransferEngine

// What those who wait for a group hear: `music`, `announceEvery`, `announceAfter`, `announce`, `sounds`.
extension ConfigurationReader {
    func readSounds(_ entry: ConfigSection, into group: inout GroupSettings) {
        group.music = entry.optionalString("music")
        if let file = group.music, let reason = soundMistake(file) { entry.add("music", reason) }
        let every = entry.optionalSeconds("announceEvery", in: 5...3600)
        let after = entry.optionalSeconds("announceAfter", in: 0...3600)
        let parts = announcedParts(entry)
        let sounds = entry.optionalString("sounds")
        guard let every else {
            for (key, isSet) in [
                ("announceAfter", after != nil), ("announce", parts != nil), ("sounds", sounds != nil),
            ]
            where isSet { entry.add(key, "has no meaning without announceEvery") }
            return
        }
        var settings = GroupSettings.Announcements(every: every, sounds: sounds)
        if let after { settings.after = after }
        if let parts { settings.parts = parts }
        group.announcements = settings
        guard let sounds else { return }
        for name in Announcement.names(for: settings.parts, callbackDigit: group.callback?.digit) {
            if let reason = soundMistake(Announcement.path(of: name + ".wav", in: sounds)) {
                entry.add("sounds", reason)
            }
        }
    }

    private func announcedParts(_ entry: ConfigSection) -> [GroupSettings.Announcements.Part]? {
        guard let node = entry.node("announce") else { return nil }
        if case .null = node.value { return nil }
        let texts = entry.strings("announce", default: [])
        if node.value == .array([]) { entry.add("announce", "must name at least one part") }
        let known = GroupSettings.Announcements.Part.allCases.map(\.rawValue).joined(separator: ", ")
        return texts.enumerated().compactMap { index, text in
            let place = entry.elementPlace("announce", index)
            if texts.firstIndex(of: text) != index { entry.mistakes.add(place, "\"\(text)\" stands here twice") }
            guard let part = GroupSettings.Announcements.Part(rawValue: text) else {
                entry.mistakes.add(place, "must be one of \(known), is \"\(text)\"")
                return nil
            }
            return part
        }
    }
}
