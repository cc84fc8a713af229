import Foundation
import Testing
import TransferEngine

@testable import Controller

/// What waiting callers hear: configuration, and words as files.
@Suite struct SoundTests {
    /// A directory of files that look like WAV files.
    private static func directory(_ names: [String]) throws -> URL {
        let directory = FileManager.default.temporaryDirectory.appending(path: "sounds-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        for name in names {
            try Data("RIFF\0\0\0\0WAVE".utf8).write(to: directory.appending(path: "\(name).wav"))
        }
        return directory
    }

    private static let digits = (0...9).map(String.init)

    private func configuration(_ group: String) throws -> Configuration {
        try Configuration.parse(
            "{ agents: { anna: {} }, groups: { support: { members: ['anna'], \(group) } } }", file: "f")
    }

    private func mistakes(_ group: String) -> [String] {
        #expect(throws: ConfigurationError.self) { try configuration(group) }?.mistakes.map(\.description) ?? []
    }

    @Test func everyKeyIsReadAndPrinted() throws {
        let sounds = try Self.directory(["music", "position", "wait", "minutes", "less-than-a-minute"] + Self.digits)
        defer { try? FileManager.default.removeItem(at: sounds) }
        let read = try configuration(
            """
            music: '\(sounds.path)/music.wav', announceEvery: 30, announceAfter: 0, announce: ['wait', 'position'],
            sounds: '\(sounds.path)'
            """)
        #expect(read.groups[0].music == "\(sounds.path)/music.wav")
        #expect(
            read.groups[0].announcements
                == GroupSettings.Announcements(
                    every: 30_000, after: 0, parts: [.wait, .position], sounds: sounds.path))
        #expect(try Configuration.parse(read.json.pretty, file: "again") == read)
        // Without any: nothing is said, and that too can be read again.
        let plain = try configuration("")
        #expect(plain.groups[0].announcements == nil)
        #expect(try Configuration.parse(plain.json.pretty, file: "again") == plain)
        // Every part, and a tone for want of files.
        #expect(
            try configuration("announceEvery: 30").groups[0].announcements
                == GroupSettings.Announcements(every: 30_000, after: 5_000, parts: [.position, .wait, .callback]))
    }

    @Test func missingFilesAreNamed() throws {
        let sounds = try Self.directory(["position", "wait", "minutes"] + Self.digits.dropLast())
        defer { try? FileManager.default.removeItem(at: sounds) }
        try Data("no sound".utf8).write(to: sounds.appending(path: "wait.wav"))
        #expect(
            mistakes("announceEvery: 30, sounds: '\(sounds.path)', callback: { digit: '#' }") == [
                "f:1: groups.support.sounds: \"\(sounds.path)/wait.wav\" is no WAV file",
                "f:1: groups.support.sounds: \"\(sounds.path)/less-than-a-minute.wav\" cannot be read",
                "f:1: groups.support.sounds: \"\(sounds.path)/9.wav\" cannot be read",
                "f:1: groups.support.sounds: \"\(sounds.path)/callback.wav\" cannot be read",
                "f:1: groups.support.sounds: \"\(sounds.path)/pound.wav\" cannot be read",
            ])
        #expect(mistakes("music: '/nowhere.wav'") == ["f:1: groups.support.music: \"/nowhere.wav\" cannot be read"])
        // Only what can be said is needed.
        #expect(try configuration("announceEvery: 30, announce: ['callback'], sounds: '/nowhere'").groups.count == 1)
    }

    @Test func mistakesAreRefused() {
        #expect(
            mistakes("announceAfter: 3, announce: ['place'], sounds: '/s'") == [
                "f:1: groups.support.announce[0]: must be one of position, wait, callback, is \"place\"",
                "f:1: groups.support.announceAfter: has no meaning without announceEvery",
                "f:1: groups.support.announce: has no meaning without announceEvery",
                "f:1: groups.support.sounds: has no meaning without announceEvery",
            ])
        #expect(
            mistakes("announceEvery: 1, announce: []") == [
                "f:1: groups.support.announceEvery: must be from 5 to 3600 seconds, is 1",
                "f:1: groups.support.announce: must name at least one part",
            ])
        #expect(
            mistakes("announceEvery: 9, announce: ['wait', 'wait']")
                == ["f:1: groups.support.announce[1]: \"wait\" stands here twice"])
    }

    @Test(arguments: [
        (Announcement(sounds: "/s", position: 3), "position 3"),
        (Announcement(sounds: "/s/", position: 27, waitMinutes: 0), "position 2 7 wait less-than-a-minute"),
        (Announcement(sounds: "/s", waitMinutes: 12), "wait 12 minutes"),
        (Announcement(sounds: "/s", position: 112, callbackDigit: "5"), "position 1 1 2 callback 5"),
        (Announcement(sounds: "/s", callbackDigit: "*"), "callback star"),
    ])
    func wordsAreFiles(words: Announcement, names: String) {
        let files = words.files { $0 == "/s/12.wav" }
        #expect(files == names.split(separator: " ").map { "/s/\($0).wav" })
    }
}
