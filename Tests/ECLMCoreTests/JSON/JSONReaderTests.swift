import ECLMCore
import Testing

@Suite("Reading JSON that others wrote")
struct JSONReaderTests {
    private struct Layer: Codable, Equatable {
        var name: String
        var width: Int = 0
    }
    private struct Document: Codable, Equatable {
        var layers: [Layer]
        var rate: Double?
    }

    private func read(
        _ text: String, known: JSONValue? = nil, reader: JSONReader = JSONReader()
    ) throws(JSONError) -> Document {
        try reader.decode(of: "the settings", from: Array(text.utf8), known: known)
    }

    private func refusal(
        _ text: String, known: JSONValue? = nil, reader: JSONReader = JSONReader()
    ) -> JSONError? {
        do throws(JSONError) {
            _ = try read(text, known: known, reader: reader)
            return nil
        } catch {
            return error
        }
    }

    @Test("A document becomes its value, white space and a byte-order mark passed over")
    func reading() throws {
        let expected = Document(layers: [Layer(name: "ä\n\u{1F600}", width: 3)], rate: 0.5)
        let text = #" {"layers": [{"name": "ä\n\ud83d\ude00", "width": 3}], "rate": 5e-1, "more": null}"# + "\n"
        #expect(try read(text) == expected)
        #expect(try read("\u{FEFF}" + text) == expected)
    }

    @Test(
        "What RFC 8259 does not allow, or leaves open, is refused",
        arguments: [
            ("", "expected a number, found the end"),
            (#"{"layers": []} {}"#, "something follows the document"),
            (#"{"layers": [], "layers": []}"#, #"key "layers" appears twice"#),
            (#"{"layers": [{"name": "a", "name": "b"}]}"#, #"key "name" appears twice"#),
            (#"{"layers": [], "other": {"a": 1, "\u0061": 2}}"#, #"key "a" appears twice"#),
            ("{\"layers\": [], \"\u{E9}\": 1, \"e\u{301}\": 2}", "once in another Unicode normalization"),
            (#"{"layers": [{"name": "a\u0000b"}]}"#, "holds a NUL"), (#"{"layers": [], "a\u0000": 1}"#, "holds a NUL"),
            (#"{"layers": [],}"#, "expected"), (#"{"layers": [] // none"#, "expected"),
            (#"{'layers': []}"#, "expected"),
            (#"{"layers": [], "rate": NaN}"#, "expected"), (#"{"layers": [], "rate": 01}"#, "starts with 0"),
            (#"{"layers": [], "rate": "\ud800"}"#, "surrogate"),
        ])
    func malformed(text: String, part: String) {
        let error = refusal(text)
        #expect(error?.code == .malformed)
        #expect(error?.message.hasPrefix("the settings is no valid JSON: ") == true)
        #expect(error?.message.contains(part) == true, "\(String(describing: error))")
    }

    @Test("Bytes that are not UTF-8 are refused")
    func encoding() {
        #expect(throws: JSONError.self) {
            try JSONReader().value(of: "the settings", in: Array(#"{"a": ""#.utf8) + [0xFF] + Array(#""}"#.utf8))
        }
        #expect(throws: JSONError.self) { try JSONReader().value(of: "x", in: [0xFF, 0xFE, 0x7B, 0, 0x7D, 0]) }
    }

    @Test("Size and depth have limits")
    func limits() throws {
        #expect(refusal(#"{"layers": []}"#, reader: JSONReader(maximumBytes: 13))?.code == .tooLarge)
        #expect(refusal(#"{"layers": []}"#, reader: JSONReader(maximumBytes: 14)) == nil)
        let nested =
            #"{"layers": [], "x": "# + String(repeating: "[", count: 600) + String(repeating: "]", count: 600) + "}"
        #expect(refusal(nested)?.message.contains("nested deeper than 512") == true)
        let bomb = [UInt8](repeating: UInt8(ascii: "["), count: 1 << 20)
        #expect(throws: JSONError.self) { try JSONReader().value(of: "a bomb", in: bomb) }
    }

    @Test(
        "A value that does not fit is named by its path",
        arguments: [
            (#"{"layers": [{"name": "a", "width": 1}, {"width": 3}]}"#, "layers[1].name is missing"),
            (#"{"layers": [{"name": "a", "width": "wide"}]}"#, "layers[0].width must be a Int"),
            (#"{"layers": [{"name": "a", "width": 1e30}]}"#, "layers[0].width: "),
            (#"{"layers": [{"name": "a", "width": 9223372036854775808}]}"#, "layers[0].width: "),
            (#"{"layers": [{"name": "a", "width": 1}], "rate": 1e999}"#, "rate: 1e999 "),
            ("[]", "the document must be a "),
        ])
    func mismatch(text: String, part: String) {
        let error = refusal(text)
        #expect(error?.code == .mismatch)
        #expect(
            error?.message.hasPrefix("the settings is not well formed: \(part)") == true, "\(String(describing: error))"
        )
    }

    @Test("Where a format says so, an unknown key is refused by its path, and the known ones are named")
    func unknownKeys() throws {
        let known = try JSONReader().value(
            of: "the template", in: Array(#"{"layers": [{"name": ""}, {"width": 1}], "rate": null}"#.utf8))
        #expect(refusal(#"{"layers": [{"name": "a", "width": 1}], "rate": 1}"#, known: known) == nil)
        #expect(
            refusal(#"{"layers": [{"name": "a", "width": 1}, {"nam": "b", "width": 1}]}"#, known: known)?.message
                == "the settings has no key layers.nam; known are name, width")
        #expect(
            refusal(#"{"layers": [], "rat": 1}"#, known: known)?.message
                == "the settings has no key rat; known are layers, rate")
        #expect(refusal(#"{"layers": [], "rat": 1}"#, known: nil) == nil)
    }

    @Test("A tree is written as it was read")
    func writing() throws {
        let text = #"{"b":[1,-2.5e3,true,false,null],"a":{"x":"\"\\\n\u0001ä"}}"#
        let value = try JSONReader().value(of: "x", in: Array(text.utf8))
        #expect(String(decoding: value.encoded, as: UTF8.self) == text)
        #expect(value["a"]?["x"] != nil)
        #expect(value["c"] == nil)
    }

    @Test("It is the only way in")
    func onlyWay() throws {
        let others = try Source.all().filter { $0.text.contains(/\bJSON(Decoder|Serialization)\b/) }.map(\.name)
        #expect(others == ["JSONReader.swift"])
    }
}
