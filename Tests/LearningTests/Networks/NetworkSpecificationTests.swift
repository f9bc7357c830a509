import Foundation
import Testing

@testable import Learning

@Suite("A network's specification")
struct NetworkSpecificationTests {
    @Test("survives its JSON, and the presets fit together")
    func roundTrip() throws {
        for (name, specification) in NetworkSpecification.presets {
            #expect(try NetworkSpecification.parse(specification.json) == specification, "\(name)")
        }
    }

    @Test("is in specs/ as the presets say")
    func files() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../specs")
        for (name, specification) in NetworkSpecification.presets {
            let data = try Data(contentsOf: root.appending(path: "network-\(name).json"))
            #expect(try NetworkSpecification.parse(data) == specification, "specs/network-\(name).json")
        }
    }

    @Test("fills in what a document leaves out")
    func defaults() throws {
        let json = """
            {"model": "m", "input": [3, 8, 8], "classes": 2, "stem": {"kind": "convolution", "width": 4},
             "layers": [{"name": "a", "block": "convolution", "width": 4, "modules": 4, "inner": 2}],
             "selector": {"widths": [8], "top_k": 2}}
            """
        let specification = try NetworkSpecification.parse(Array(json.utf8))
        #expect(specification.layers[0].bypass && specification.layers[0].innerNorm && specification.head.pool)
        #expect(try specification.geometry().layers[0].shape == [4, 8, 8])
    }

    @Test(
        "is refused, with what to change, when its parts do not fit",
        arguments: [
            (#""classes":3"#, #""classes":1"#, "classes is 1"),
            (#""modules":4"#, #""modules":0"#, "modules is 0"),
            (#""block":"dense""#, #""block":"convolution""#, "cannot follow flat features"),
            (#""top_k":2"#, #""top_k":9"#, "top_k is 9"),
            (#""input":[6]"#, #""input":[6,2]"#, "neither [features] nor"),
            (#""name":"b""#, #""name":"a""#, "same name"),
            (#""inner":3"#, #""iner":3"#, "inner is missing"),
            (#""skip":false"#, #""skipp":false"#, "no key layers.skipp"),
            (#""classes":3"#, #""classes":"x""#, "classes must be a"),
        ])
    func refusals(_ from: String, _ to: String, _ message: String) throws {
        let text = String(decoding: SmallNetworks.dense.json, as: UTF8.self)
        let range = try #require(text.range(of: from), "\(from) in \(text)")
        let changed = text.replacingCharacters(in: range, with: to)
        let error = #expect(throws: LearningError.self) { try NetworkSpecification.parse(Array(changed.utf8)) }
        #expect(error.map { "\($0)".contains(message) } == true, "\(String(describing: error))")
    }
}
