import ECLMCore
import RegistryProtocol
import Testing

@Suite("Words with a number on the wire")
struct WireWordTests {
    @Test("are read from the number where there is one, else from the text")
    func precedence() throws {
        #expect(try UpdateStatus(number: .quarantined, text: "pending") == .quarantined)
        #expect(try UpdateStatus(number: nil, text: "pending") == .pending)
        #expect(try UpdateEncoding(number: .int8Delta, text: "full") == .int8Delta)
    }

    @Test("come back as they were written")
    func roundTrips() throws {
        func check<Word: WireWord & Equatable>(_ type: Word.Type) throws {
            for word in Word.allCases {
                #expect(try Word(number: word.number, text: "") == word)
                #expect(try Word(number: nil, text: word.rawValue) == word)
            }
            #expect(Set(Word.allCases.map(\.number.rawValue)).count == Word.allCases.count)
        }
        try check(ReleaseOrigin.self)
        try check(VersionOrigin.self)
        try check(ChannelAction.self)
        try check(UpdateStatus.self)
        try check(UpdateEncoding.self)
    }

    @Test("are refused where this program does not know them, with those it knows")
    func unknown() throws {
        let text = #expect(throws: MappingError.self) { try UpdateEncoding(number: nil, text: "zip") }
        #expect(text?.description.hasPrefix("encoding \"zip\" is not known; use one of full, delta") == true)
        // The text does not save a number that is not known.
        let number = #expect(throws: MappingError.self) {
            try UpdateEncoding(number: Wire.UpdateEncoding(rawValue: 9), text: "full")
        }
        #expect(number?.description.hasPrefix("encoding 9 is not known; use one of 1 (full), 2 (delta)") == true)
        #expect(throws: MappingError.self) { try ReleaseOrigin(number: .unknown, text: "publish") }
    }
}
