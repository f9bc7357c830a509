import Learning
import Testing

@Suite("A prototype's settings")
struct PrototypeSettingsTests {
    private func parse(_ text: String, _ defaults: PrototypeSettings = .init()) throws -> PrototypeSettings {
        try PrototypeSettings.parse(Array(text.utf8), defaults: defaults)
    }

    @Test("have defaults for what a document leaves out")
    func defaults() throws {
        #expect(try parse("{}") == PrototypeSettings())
        var expected = PrototypeSettings()
        expected.endToEnd.training.epochs = 3
        expected.endToEnd.training.clipNorm = nil
        expected.endToEnd.topK = nil
        expected.abilityEnhancing?.subModels?.share = 0.25
        #expect(
            try parse(
                """
                {"end_to_end": {"training": {"epochs": 3, "clip_norm": null}, "top_k": null},
                 "ability_enhancing": {"sub_models": {"share": 0.25}}}
                """) == expected)
        #expect(try parse(#"{"ability_enhancing": null}"#).abilityEnhancing == nil)
        #expect(try parse(#"{"dense": {"epochs": 2}}"#).dense?.epochs == 2)
        #expect(try parse(String(decoding: expected.json, as: UTF8.self)) == expected)
    }

    @Test(
        "are refused when they cannot work, with what to change",
        arguments: [
            ("{", "JSON"), ("[]", "object"), (#"{"epochs": 3}"#, "no key epochs"),
            (#"{"end_to_end": {"training": {"epoch": 3}}}"#, "end_to_end.training.epoch"),
            (#"{"end_to_end": {"training": {"rate": -1}}}"#, "rate"),
            (#"{"end_to_end": {"training": {"rate": "fast"}}}"#, "rate"),
            (#"{"end_to_end": {"balance": -1}}"#, "balance"), (#"{"end_to_end": {"top_k": 0}}"#, "top_k"),
            (#"{"ability_enhancing": {"module_load": 0}}"#, "module_load"),
            (#"{"ability_enhancing": {"modules_per_sub_task": 0}}"#, "modules_per_sub_task"),
            (#"{"ability_enhancing": {"sub_models": {"caps": []}}}"#, "caps"),
            (#"{"ability_enhancing": {"sub_models": {"share": 2}}}"#, "share"),
            (#"{"checkpoint_steps": 0}"#, "checkpoint_steps"),
        ])
    func refused(_ text: String, _ reason: String) {
        #expect { try parse(text) } throws: { error in
            (error as? LearningError)?.code == .specification && "\(error)".contains(reason)
        }
    }
}
