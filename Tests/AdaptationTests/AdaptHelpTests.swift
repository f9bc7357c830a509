import TestSupport
import Testing

@testable import adapt

@Suite("adapt explains itself")
struct AdaptHelpTests {
    @Test("with --help, examples that parse, and --output json")
    func examples() {
        #expect(CommandHelp(Adapt.self).faults() == [])
    }
}
