import Testing

@testable import Controller

@Suite struct RefusalNewsTests {
    private let minute: Int64 = 60_000_000

    @Test func anAddressIsNamedOnceAMinuteWhateverThePort() {
        let news = RefusalNews()
        #expect(news.mayName("10.0.0.5:5060", at: 0))
        #expect(!news.mayName("10.0.0.5:5061", at: minute - 1))
        #expect(news.mayName("[::1]:5060", at: minute - 1))
        #expect(news.mayName("10.0.0.5:5060", at: minute))
    }

    @Test func aFloodOfAddressesIsBounded() {
        let news = RefusalNews()
        let named = (0..<1000).filter { news.mayName("10.0.\($0 / 250).\($0 % 250):5060", at: Int64($0)) }
        #expect(named.count == 100)
        #expect(news.mayName("10.9.9.9:5060", at: 2 * minute))
    }
}
