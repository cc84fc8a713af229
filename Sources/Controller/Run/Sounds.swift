import CTelephony
import Foundation
import Synchronization
import TransferEngine

/// The sound files that groups name: their music, read once, and which files their announcements can be made of. The
/// engine thread only looks things up here.
final class Sounds: Sendable {
    private struct Table {
        var music: [String: UInt32] = [:]
        var files: Set<String> = []
    }

    private let table = Mutex(Table())

    /// Reads what the groups need, while telephony runs. What was known stays known.
    func load(_ groups: [GroupSettings]) throws(ControllerError) {
        var music: [String: UInt32] = [:]
        for path in groups.compactMap(\.music) where music[path] == nil {
            var reason = [CChar](repeating: 0, count: 512)
            let number = tel_sound(path, &reason, reason.count)
            guard number != 0 else {
                throw ControllerError(
                    String(decoding: reason.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
            }
            music[path] = number
        }
        var files: Set<String> = []
        for directory in Set(groups.compactMap { $0.announcements?.sounds }) {
            for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] {
                files.insert(Announcement.path(of: name, in: directory))
            }
        }
        table.withLock {
            $0.music.merge(music) { $1 }
            $0.files.formUnion(files)
        }
    }

    func music(_ path: String) -> UInt32 { table.withLock { $0.music[path] ?? 0 } }

    func contains(_ path: String) -> Bool { table.withLock { $0.files.contains(path) } }
}

extension Announcement {
    static func path(of name: String, in directory: String) -> String {
        directory.hasSuffix("/") ? directory + name : "\(directory)/\(name)"
    }

    /// The files that say it, in their order. A number is said by the file of that name (`12.wav`) where `exists` knows
    /// it, else digit by digit.
    func files(exists: (String) -> Bool) -> [String] {
        func path(_ name: String) -> String { Self.path(of: name + ".wav", in: sounds) }
        func number(_ value: Int) -> [String] {
            let whole = path(String(value))
            return exists(whole) ? [whole] : String(value).map { path(String($0)) }
        }
        var files: [String] = []
        if let position { files += [path("position")] + number(position) }
        if let waitMinutes {
            files.append(path("wait"))
            files += waitMinutes == 0 ? [path("less-than-a-minute")] : number(waitMinutes) + [path("minutes")]
        }
        if let callbackDigit { files += [path("callback"), path(Self.name(ofKey: callbackDigit))] }
        return files
    }

    /// The names of the files, without `.wav`, that these parts can need.
    static func names(for parts: [GroupSettings.Announcements.Part], callbackDigit: String?) -> [String] {
        var names: [String] = []
        if parts.contains(.position) { names.append("position") }
        if parts.contains(.wait) { names += ["wait", "less-than-a-minute", "minutes"] }
        if !names.isEmpty { names += (0...9).map(String.init) }
        if parts.contains(.callback), let callbackDigit {
            names += ["callback", name(ofKey: callbackDigit)].filter { !names.contains($0) }
        }
        return names
    }

    private static func name(ofKey key: String) -> String {
        switch key {
        case "*": "star"
        case "#": "pound"
        default: key.lowercased()
        }
    }
}
