import ECLMCore
import Testing

@Suite("The rules for names")
struct NameRuleTests {
    private static let all: [NameRule] = [.model, .module, .channel, .deviceClass, .device, .operator, .actor]

    @Test("allow what they say, and refuse the rest with the rule")
    func rules() {
        for rule in Self.all {
            for text in ["", "a\0", "\n", "a\u{7F}", String(repeating: "a", count: 257)] {
                #expect(!rule.allows(text), "\(rule.thing) \(text.debugDescription)")
                #expect(rule.refusal(of: text)?.contains(rule.words) == true)
            }
            for text in ["a", "0", "l0.m00", "vision-2_b"] { #expect(rule.refusal(of: text) == nil, "\(rule.thing)") }
        }
        for rule in [NameRule.model, .module, .channel, .deviceClass] {
            for text in ["A", ".a", "-a", "a b", "a/b", "a:b", "é", String(repeating: "a", count: 129)] {
                #expect(!rule.allows(text), "\(rule.thing) \(text)")
            }
            #expect(rule.allows(String(repeating: "a", count: 128)))
        }
        #expect(NameRule.device.allows("Pi-4:kitchen"))
        for text in [":a", "\u{212A}1", "a/b", "a b", "é"] { #expect(!NameRule.device.allows(text), "\(text)") }
        for text in ["conv2d", "aten::add", "Linear", "x+y(z)"] { #expect(NameRule.operator.allows(text), "\(text)") }
        for text in ["a b", "a,b", "é", String(repeating: "a", count: 65)] {
            #expect(!NameRule.operator.allows(text), "\(text)")
        }
        #expect(NameRule.actor.allows("Zoë Kü@192.168.0.7:5000"))
        #expect(NameRule.model.refusal(of: "A")?.hasPrefix("\"A\" is no name for a model: it has 1 to 128") == true)
        #expect(NameRule.operator.refusal(of: " ")?.contains("for an operator") == true)
    }
}
