import Decomposition
import ECLMCore
import Testing

@Suite("A specification that does not fit is refused with the reason")
struct SpecificationTests {
    struct Fault: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let json: String
        let code: DecompositionError.Code
        let message: String

        init(_ name: String, _ json: String, _ code: DecompositionError.Code, _ message: String) {
            (testDescription, self.json, self.code, self.message) = (name, json, code, message)
        }
    }

    static let conv =
        #""conv1": {"weight": "a"}, "norm": {"weight": "b", "bias": "c", "running_mean": "d", "running_var": "e"}, "#
        + #""activation": "relu", "conv2": {"weight": "f"}, "modules": 2"#

    static let documents: [Fault] = [
        .init(
            "no JSON", "{", .invalidSpecification,
            "the specification is no valid JSON: expected '\"', found the end, at byte 1"),
        .init(
            "a key twice", #"{"model": "a", "model": "b"}"#, .invalidSpecification,
            #"the specification is no valid JSON: key "model" appears twice in one object, at byte 23"#),
        .init(
            "something behind", "[] x", .invalidSpecification,
            "the specification is no valid JSON: something follows the document, at byte 3"),
        .init("an array", "[]", .invalidSpecification, "the specification is an array; it must be an object"),
        .init("no model", "{}", .missingKey, "the specification lacks model"),
        .init(
            "a model name with a space", #"{"model": "A b", "summary": "s"}"#, .invalidSpecification,
            #"model: "A b" is no name for a model: it has 1 to 128 lower-case letters of ASCII, digits, '.', '_' and '-', a letter or digit first"#
        ),
        .init(
            "an unknown key at the top", Small.specification(more: #", "modell": 1"#), .unknownKey,
            "the specification has an unknown key modell; see docs/import.md"),
        .init(
            "an unknown key in a layer", Small.specification(layers: Small.layer(more: #", "stride": 1"#)), .unknownKey,
            "the specification has an unknown key layers[0].stride; see docs/import.md"),
        .init(
            "an unknown key in a map",
            Small.specification(layers: Small.layer(up: #"{"weight": "up.w", "wieght": "x"}"#)), .unknownKey,
            "the specification has an unknown key layers[0].up.wieght; see docs/import.md"),
        .init(
            "an unknown key in a rule",
            Small.specification(shared: #"{"rules": [{"pattern": "*", "to": "stem", "x": 1}]}"#),
            .unknownKey, "the specification has an unknown key shared.rules[0].x; see docs/import.md"),
        .init(
            "an unknown part", Small.specification(shared: #"{"rest": "tail"}"#), .invalidSpecification,
            #"shared.rest is "tail"; known are stem, head, selector"#),
        .init(
            "an unknown block", Small.specification(layers: #"{"name": "x", "block": "attention"}"#),
            .invalidSpecification,
            #"layers[0].block is "attention"; known are feed_forward, conv_norm_act_conv"#),
        .init(
            "an activation over neurons",
            Small.specification(layers: Small.layer().replacing("relu", with: "softmax")), .invalidSpecification,
            #"layers[0].activation is "softmax"; known are relu, gelu, gelu_tanh, silu, tanh, sigmoid, identity"#),
        .init(
            "no modules", Small.specification(layers: Small.layer(modules: 0)), .invalidSpecification,
            "layers[0].modules is 0; it must lie between 1 and 4096"),
        .init(
            "half a module", Small.specification(layers: Small.layer().replacing(": 2}", with: ": 2.5}")),
            .invalidSpecification, "layers[0].modules is a number; it must be an integer"),
        .init(
            "no layers", Small.specification(layers: ""), .missingKey,
            "the specification lacks layers; at least one block is needed"),
        .init(
            "two layers of one name", Small.specification(layers: Small.layer() + "," + Small.layer()),
            .invalidSpecification, #"two layers have the name "block""#),
        .init(
            "a convolution without an image",
            Small.specification(layers: #"{"name": "x", "block": "conv_norm_act_conv", \#(conv)}"#), .missingKey,
            "layers[0] needs input.height and input.width: the costs of a convolution depend on them"),
        .init(
            "a convolution with groups",
            Small.specification(
                layers: #"{"name": "x", "block": "conv_norm_act_conv", \#(conv)}"#
                    .replacing(#"{"weight": "f"}"#, with: #"{"weight": "f", "groups": 2}"#)), .invalidSpecification,
            "layers[0].conv2.groups is 2: a module of some inner channels would lack inputs or outputs of the block, so "
                + "that only convolutions with 1 group are split"),
        .init(
            "a version that is none", Small.specification(more: #", "minimum_runtime": "v1""#), .invalidSpecification,
            #"minimum_runtime is "v1"; write it like 2.1.0"#),
        .init(
            "an operator in capitals",
            Small.specification(shared: #"{"rest": "stem", "stem": {"operators": ["Linear"]}}"#),
            .invalidSpecification, "shared.stem.operators has Linear; operators are lower case"),
    ]

    @Test("as a document", arguments: documents)
    func document(_ fault: Fault) throws {
        let error = #expect(throws: DecompositionError.self) {
            try DecompositionSpecification(json: Array(fault.json.utf8))
        }
        #expect(error?.code == fault.code)
        #expect(error?.message == fault.message)
    }

    @Test("when it nests too deep or is too long")
    func bounds() throws {
        let deep = Array((String(repeating: "[", count: 100)).utf8)
        #expect(throws: DecompositionError.self) { try DecompositionSpecification(json: deep) }
        let long = [UInt8](repeating: UInt8(ascii: " "), count: 1 << 20 + 1)
        #expect(throws: DecompositionError.self) { try DecompositionSpecification(json: long) }
    }

    static let checkpoints: [Fault] = [
        .init(
            "a missing tensor", Small.specification(layers: Small.layer(up: #"{"weight": "up.v"}"#)), .missingTensor,
            #"layers[0].up.weight: the checkpoint has no tensor "up.v""#),
        .init(
            "a bias for a weight", Small.specification(layers: Small.layer(up: #"{"weight": "up.b"}"#)), .wrongShape,
            #"layers[0].up.weight: tensor "up.b" has shape [5], not [any, any]"#),
        .init(
            "maps that do not join", Small.specification(layers: Small.layer(down: #"{"weight": "embed"}"#)),
            .wrongShape,
            #"layers[0].down.weight: tensor "embed" has shape [4, 3], not [any, 5]"#),
        .init(
            "the other layout", Small.specification(layers: Small.layer(more: #", "weight_layout": "in_out""#)),
            .wrongShape, #"layers[0].down.weight: tensor "down.w" has shape [2, 5], not [3, any]"#),
        .init(
            "a bias of another width",
            Small.specification(layers: Small.layer(up: #"{"weight": "up.w", "bias": "down.b"}"#)), .wrongShape,
            #"layers[0].up.bias: tensor "down.b" has shape [2], not [5]"#),
        .init(
            "more modules than neurons", Small.specification(layers: Small.layer(modules: 6)), .tooManyModules,
            #"layers[0].modules is 6, but the block of "block" has only 5 inner neurons"#),
        .init(
            "a tensor in two layers",
            Small.specification(layers: Small.layer() + "," + Small.layer(name: "other")), .tensorUsedTwice,
            #"tensor "up.w" is used twice: as layers[0].up.weight and as layers[1].up.weight"#),
        .init(
            "a tensor in two places of a layer",
            Small.specification(
                layers: Small.layer(up: #"{"weight": "up.w", "bias": "up.b"}"#, down: #"{"weight": "up.w"}"#)),
            .tensorUsedTwice, #"tensor "up.w" is used twice: as layers[0].up.weight and as layers[0].down.weight"#),
        .init(
            "a tensor that nobody takes",
            Small.specification(shared: #"{"rules": [{"pattern": "down.?", "to": "head"}]}"#), .unclaimedTensor,
            #"no layer and no rule of shared takes tensor "embed"; add a rule, or say with shared.rest where the rest goes"#
        ),
        .init(
            "a down bias that nobody takes",
            Small.specification(shared: #"{"rules": [{"pattern": "emb*", "to": "stem"}]}"#), .unclaimedTensor,
            #"no layer and no rule of shared takes tensor "down.b"; add a rule, or say with shared.rest where the rest goes"#
        ),
    ]

    @Test("against the checkpoint, before anything is written", arguments: checkpoints)
    func checkpoint(_ fault: Fault) async throws {
        let decomposer = try Small.decomposer(fault.json)
        let checkpoint = try Small.checkpoint()
        let sink = MemorySink()
        let error = await #expect(throws: DecompositionError.self) {
            try await decomposer.decompose(checkpoint, into: sink)
        }
        #expect(error?.code == fault.code)
        #expect(error?.message == fault.message)
        #expect(await sink.order.isEmpty)
    }

    @Test("when a weight is NaN, wherever it goes")
    func nonFinite() throws {
        let checkpoint = try Small.checkpoint { try $0.add("extra", shape: [3], dtype: .f16, floats: [1, .nan, 2]) }
        let error = #expect(throws: DecompositionError.self) { try Small.decomposer().check(checkpoint) }
        #expect(error?.code == .nonFinite)
        #expect(
            error?.message == #"tensor "extra" is NaN or infinite at element 1; a checkpoint of a diverged training "#
                + "cannot be imported")
    }

    @Test("when a block's weight holds integers")
    func integers() throws {
        let checkpoint = try Small.checkpoint {
            try $0.add(TensorDescription(name: "ids", dtype: .i32, shape: [5]), bytes: [UInt8](repeating: 0, count: 20))
        }
        let json = Small.specification(layers: Small.layer(up: #"{"weight": "up.w", "bias": "ids"}"#))
        let error = #expect(throws: DecompositionError.self) { try Small.decomposer(json).check(checkpoint) }
        #expect(error?.message == #"layers[0].up.bias: tensor "ids" is I32; F64, F32, F16 or BF16 is needed"#)
    }
}

@Suite("A specification")
struct SpecificationReadingTests {
    @Test("repeats a layer with its number in every string")
    func repeats() throws {
        let layer = Small.layer(
            name: "b.{i}", up: #"{"weight": "up.{i}.w"}"#, down: #"{"weight": "down.{i}.w"}"#, more: #", "repeat": 3"#)
        let specification = try Small.decomposer(Small.specification(layers: layer)).specification
        #expect(specification.layers.map(\.name) == ["b.0", "b.1", "b.2"])
        guard case .feedForward(let block) = specification.layers[2].block else { return #expect(Bool(false)) }
        #expect(block.up.weight == "up.2.w" && block.down.weight == "down.2.w")
    }

    @Test("gives a tensor to the first rule that matches")
    func rules() throws {
        let shared = #"{"rules": [{"pattern": "a.*.bias", "to": "head"}, {"pattern": "a.*", "to": "selector"}]}"#
        let rules = try Small.decomposer(Small.specification(shared: shared)).specification.shared
        #expect(rules.part(for: "a.b.c.bias") == .head)
        #expect(rules.part(for: "a.b.weight") == .selector)
        #expect(rules.part(for: "b.weight") == nil)
    }

    @Test(
        "matches whole names",
        arguments: [
            ("*", "", true), ("", "", true), ("", "a", false), ("a?c", "abc", true), ("a?c", "ac", false),
            ("*a*b*", "xxaxxbxx", true), ("*a*b*", "xxbxxaxx", false), ("a*a", "aba", true), ("a*a", "ab", false),
            ("layer.*.weight", "layer.10.up.weight", true), ("layer", "layer.0", false),
        ])
    func globs(pattern: String, name: String, matches: Bool) {
        #expect(GlobPattern(pattern).matches(name) == matches)
    }
}
