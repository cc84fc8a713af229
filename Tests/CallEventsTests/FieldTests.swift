import CallEvents
import Testing

/// Writes down what a visit shows.
private struct Recorder: FieldVisitor {
    var keys: [String] = []
    private mutating func note(_ key: StaticString) { keys.append("\(key)") }
    mutating func field(_ key: StaticString, _ value: inout String) { note(key) }
    mutating func field(_ key: StaticString, _ value: inout String?) { note(key) }
    mutating func field(_ key: StaticString, _ value: inout Int) { note(key) }
    mutating func field(_ key: StaticString, _ value: inout Int?) { note(key) }
    mutating func field(_ key: StaticString, _ value: inout Bool) { note(key) }
    mutating func field(_ key: StaticString, _ value: inout Bool?) { note(key) }
    mutating func field(_ key: StaticString, _ value: inout [String]) { note(key) }
    mutating func field(_ key: StaticString, _ value: inout WallTime) { note(key) }
    mutating func field<Value: LogEnum>(_ key: StaticString, _ value: inout Value) { note(key) }
    mutating func field<Value: LogEnum>(_ key: StaticString, _ value: inout Value?) { note(key) }
}

/// Sets every number to 7, every other field to what it is not when empty.
private struct Setter: FieldVisitor {
    mutating func field(_ key: StaticString, _ value: inout String) { value = "set" }
    mutating func field(_ key: StaticString, _ value: inout String?) { value = "set" }
    mutating func field(_ key: StaticString, _ value: inout Int) { value = 7 }
    mutating func field(_ key: StaticString, _ value: inout Int?) { value = 7 }
    mutating func field(_ key: StaticString, _ value: inout Bool) { value = true }
    mutating func field(_ key: StaticString, _ value: inout Bool?) { value = true }
    mutating func field(_ key: StaticString, _ value: inout [String]) { value = ["set"] }
    mutating func field(_ key: StaticString, _ value: inout WallTime) { value = WallTime(microseconds: 7) }
    mutating func field<Value: LogEnum>(_ key: StaticString, _ value: inout Value) {
        value = Value.allCases.first ?? .other
    }
    mutating func field<Value: LogEnum>(_ key: StaticString, _ value: inout Value?) { value = Value.allCases.first }
}

@Suite struct FieldTests {
    /// The log's contract: the type and its own fields, in their order.
    static let contract: [(type: String, fields: String)] = [
        ("service.started", "version boot_id"),
        ("service.stopping", "reason"),
        ("service.recovered", "torn_bytes lost_calls resumed_calls"),
        ("service.alive", ""),
        ("log.segment", "boot open_calls agents"),
        ("call.open", "arrived line group agent hold hold_reason consult transfer wait_ms talk_ms hold_ms caller_hold"),
        ("call.refused", "from to sip_status cause"),
        ("call.arrived", "from to line sip_call_id caller direction"),
        ("call.queued", "group position priority skills service_level_s service_target"),
        ("call.dequeued", "group queue_ms position outcome to"),
        ("sla.breached", "group line position priority wait_ms service_level_s"),
        ("callback.requested", "group line caller position priority wait_ms"),
        ("callback.started", "group line caller agent request attempt since_ms"),
        ("callback.completed", "group line caller agent request attempt since_ms"),
        ("callback.failed", "group line caller agent request attempt cause sip_status final"),
        ("call.alerting", "agent group attempt sip_call_id"),
        ("call.alert_failed", "agent group attempt cause sip_status ring_ms reason"),
        ("call.answered", "agent group line wait_ms ring_ms human service_level_s"),
        ("party.joined", "party agent group line uri sip_call_id role"),
        (
            "party.left",
            "party agent group line uri sip_call_id role stay_ms talk_ms hold_ms consult_ms ended_by cause sip_status q850"
                + " packets packets_lost peer_packets_lost jitter_us round_trip_us"
        ),
        ("party.changed", "uri"),
        ("hold.started", "hold reason agent"),
        ("hold.ended", "hold reason agent group line next_agent hold_ms outcome"),
        ("transfer.started", "transfer kind agent target by"),
        (
            "consult.started",
            "transfer consult agent target target_agent target_group attempt mode sip_call_id note"
        ),
        ("consult.ringing", "transfer consult target"),
        ("consult.answered", "transfer consult target ring_ms"),
        ("consult.failed", "transfer consult target cause sip_status ring_ms reason"),
        ("consult.ended", "transfer consult target consult_ms outcome"),
        ("transfer.completed", "transfer kind agent target target_agent method consult_ms hold_ms"),
        ("transfer.failed", "transfer kind agent target cause sip_status"),
        ("transfer.cancelled", "transfer kind agent target cause sip_status"),
        ("transfer.fallback", "transfer step to cause"),
        ("conference.started", "transfer"),
        ("conference.ended", "transfer conference_ms"),
        ("call.disposition", "agent group line arrived resolved previous by code note"),
        (
            "call.ended",
            "ended_by cause arrived line group agent caller wait_ms talk_ms hold_ms caller_hold_ms transfers abandoned"
                + " caller_packets caller_packets_lost caller_peer_packets_lost caller_jitter_us caller_round_trip_us"
        ),
        ("agent.state", "agent old new in_state_ms call group line reason"),
    ]

    @Test(arguments: contract)
    func everyTypeHasTheContractsFieldsInItsOrder(type: String, fields: String) {
        var event = CallEvent(type: type)
        #expect(event != .other(type: type))
        #expect(event.type == type)
        var recorder = Recorder()
        event.visit(&recorder)
        #expect(recorder.keys == fields.split(separator: " ").map(String.init))
    }

    @Test(arguments: contract)
    func whatAVisitorSetsStays(type: String, fields: String) {
        let empty = CallEvent(type: type)
        var event = empty
        var setter = Setter()
        event.visit(&setter)
        #expect((event == empty) == fields.isEmpty)
        #expect(event.type == type)
    }

    @Test func aTypeOfALaterVersionKeepsItsName() {
        var event = CallEvent(type: "call.teleported")
        #expect(event == .other(type: "call.teleported"))
        #expect(event.type == "call.teleported")
        var recorder = Recorder()
        event.visit(&recorder)
        #expect(recorder.keys.isEmpty)
    }

    @Test func theWordsOfTheLogAreTheContracts() {
        #expect(
            HoldReason.allCases.map(\.rawValue) == [
                "consult", "blind", "code", "command", "agent_phone", "caller_phone", "swap", "agent_lost", "queue",
                "other",
            ])
        #expect(
            Cause.allCases.map(\.rawValue) == [
                "busy", "declined", "no_answer", "unreachable", "no_codec", "not_allowed", "rejected", "agent_lost",
                "cancelled", "abandoned", "callback", "lost", "normal", "other",
            ])
        #expect(
            AgentState.allCases.map(\.rawValue) == [
                "offline", "available", "ringing", "talking", "consulting", "wrap_up", "paused", "other",
            ])
        #expect(HoldOutcome(word: "merged") == .merged)
        #expect(HoldOutcome(word: "evaporated") == .other)
    }

    @Test func monotonicMillisecondsAreCutNotRounded() {
        #expect(EventTime(wall: 0, mono: 1_999).monoMilliseconds == 1)
        #expect(EventTime(wall: 5, mono: 0).wallTime == WallTime(microseconds: 5))
        #expect(WallTime(microseconds: -1) < WallTime(microseconds: 0))
    }
}
