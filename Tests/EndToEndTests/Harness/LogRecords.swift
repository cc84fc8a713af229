import CallEvents
import EventLog
import Foundation

extension LogView {
    /// What the log says at present, read by EventLog.
    func records() throws -> [Record] {
        let path = directory.path(percentEncoded: false)
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        return try LogReader(path: path).events().map { logged in
            var event = logged.event
            var texts = FieldTexts()
            event.visit(&texts)
            return Record(
                seq: logged.seq, type: event.type, call: logged.call, mono: logged.time.monoMilliseconds,
                fields: texts.fields)
        }
    }
}

/// Collects the fields of an event as text.
private struct FieldTexts: FieldVisitor {
    var fields: [String: String] = [:]

    private mutating func set(_ key: StaticString, _ text: String?) { fields["\(key)"] = text }

    mutating func field(_ key: StaticString, _ value: inout String) { set(key, value) }
    mutating func field(_ key: StaticString, _ value: inout String?) { set(key, value) }
    mutating func field(_ key: StaticString, _ value: inout Int) { set(key, String(value)) }
    mutating func field(_ key: StaticString, _ value: inout Int?) { set(key, value.map(String.init)) }
    mutating func field(_ key: StaticString, _ value: inout Bool) { set(key, String(value)) }
    mutating func field(_ key: StaticString, _ value: inout Bool?) { set(key, value.map { String($0) }) }
    mutating func field(_ key: StaticString, _ value: inout [String]) { set(key, value.joined(separator: ",")) }
    mutating func field(_ key: StaticString, _ value: inout WallTime) { set(key, String(value.microseconds)) }
    mutating func field<Value: LogEnum>(_ key: StaticString, _ value: inout Value) { set(key, value.rawValue) }
    mutating func field<Value: LogEnum>(_ key: StaticString, _ value: inout Value?) { set(key, value?.rawValue) }
}
