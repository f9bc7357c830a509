import TestSupport
import Testing

@testable import eclm

@Suite("eclm explains itself")
struct EclmHelpTests {
    @Test("with --help, examples that parse, and --output json, in every command")
    func examples() {
        #expect(CommandHelp(Eclm.self).faults() == [])
    }
}
