import CTelephony
import Foundation
import Testing

extension TelephonyTests {
    /// Announcements and music out of files.
    @Suite struct Sounds {
        private func play(_ leg: tel_leg_id, _ files: [URL], token: UInt64) -> tel_result {
            let paths = files.map { strdup($0.path)! }
            defer { paths.forEach { free($0) } }
            return paths.map { UnsafePointer($0) }.withUnsafeBufferPointer {
                tel_play_files(leg, $0.baseAddress!, $0.count, token)
            }
        }

        private func ends(_ shim: Shim, _ leg: tel_leg_id, _ token: UInt64) throws {
            let ended = try shim.expect(TEL_EVENT_TONE_ENDED, leg: leg)
            #expect(ended.token == token && ended.status == 0)
        }

        /// Runs `body` with a file of a sine for each frequency, 0.3 s long.
        private func files(_ frequencies: [Double], _ body: ([URL]) throws -> Void) throws {
            let files = try frequencies.map { try waveFile(rate: 16000, channels: 1, hz: $0, seconds: 0.3) }
            defer { files.forEach { try? FileManager.default.removeItem(at: $0) } }
            try body(files)
        }

        @Test(arguments: ["PCMA", "G722", "opus"])
        func `files are played one after another, then what was sent before goes on`(codec: String) throws {
            var settings = Settings()
            settings.codecs = [codec]
            try files([700, 1100]) { files in
                try listening(settings) { shim, caller, called in
                    tel_set_tone(1300)
                    try route(shim, [(caller, TEL_SOURCE_TONE, 0)], token: 1)
                    hears(called, [1300], within: 5)
                    #expect(play(caller, [files[0], files[1], files[0]], token: 7) == TEL_OK)
                    hears(called, [700, 1100, 700])
                    try ends(shim, caller, 7)
                    hears(called, [1300])
                }
            }
        }

        @Test func `of files of which one cannot be read none is played`() throws {
            try files([700]) { files in
                try listening { shim, caller, called in
                    #expect(play(caller, files + [URL(filePath: "/nowhere/at/all.wav")], token: 3) == TEL_OK)
                    let ended = try shim.expect(TEL_EVENT_TONE_ENDED, leg: caller)
                    #expect(ended.token == 3 && ended.status == 404)
                    #expect(ended.reason?.contains("/nowhere/at/all.wav") == true)
                    #expect(recorder.next(within: 0.2) { $0.kind == TEL_EVENT_HEARD && $0.hz != 0 } == nil)
                    #expect(play(caller, [], token: 4) == TEL_ERR_INVALID)
                }
            }
        }

        @Test func `what is played can be stopped, and ends with its leg`() throws {
            try files([700, 1100]) { files in
                try listening { shim, caller, called in
                    #expect(play(caller, files + files, token: 1) == TEL_OK)
                    hears(called, [700])
                    #expect(tel_stop_tone(caller) == TEL_OK)
                    try ends(shim, caller, 1)
                    hears(called, [0])
                    #expect(play(caller, files, token: 2) == TEL_OK)
                    hears(called, [700])
                    tel_hangup(caller, 200, 0, nil, 0)
                    try ends(shim, caller, 2)
                    #expect(play(caller, files, token: 3) == TEL_OK)
                    try ends(shim, caller, 3)
                }
            }
        }

        @Test func `a file that has changed is read again`() throws {
            try files([700, 1100]) { files in
                try listening { shim, caller, called in
                    #expect(play(caller, [files[0]], token: 1) == TEL_OK)
                    hears(called, [700, 0])
                    try Data(contentsOf: files[1]).write(to: files[0])
                    #expect(play(caller, [files[0]], token: 2) == TEL_OK)
                    hears(called, [1100])
                }
            }
        }

        @Test func `legs have music of their own`() throws {
            try files([700]) { files in
                try listening { shim, caller, called in
                    var error = [CChar](repeating: 0, count: 256)
                    let sound = tel_sound(files[0].path, &error, error.count)
                    #expect(sound != 0 && tel_sound(files[0].path, &error, error.count) == sound)
                    #expect(tel_sound("/nowhere/at/all.wav", &error, error.count) == 0)
                    var change = tel_route_change()
                    (change.leg, change.source, change.sound) = (caller, TEL_SOURCE_MUSIC, sound)
                    #expect(tel_route(&change, 1, 5) == TEL_OK)
                    hears(called, [700])
                    // It goes on beyond the file's end.
                    #expect(recorder.next(within: 0.8) { $0.kind == TEL_EVENT_HEARD } == nil)
                }
            }
        }
    }
}
