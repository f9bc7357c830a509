import ECLMCore
import PythonReference
import Testing

@Suite("Names from outside")
struct ExactTextTests {
    /// Pairs that Swift's strings take for one, and files keep apart.
    private static let pairs = [
        ("\u{E9}", "e\u{301}"), ("\u{AC00}", "\u{1100}\u{1161}"), ("\u{212B}.w", "\u{C5}.w"), ("K1", "\u{212A}1"),
    ]

    @Test("are equal where their bytes are")
    func equality() {
        for (composed, decomposed) in Self.pairs {
            #expect(composed == decomposed)
            #expect(ExactText(composed) != ExactText(decomposed))
            #expect(ExactText(composed) == ExactText(composed))
            #expect(Set([ExactText(composed), ExactText(decomposed)]).count == 2)
            #expect((ExactText(composed) < ExactText(decomposed)) != (ExactText(decomposed) < ExactText(composed)))
        }
        #expect(ExactText("a") < ExactText("ab"))
        #expect(ExactText("") == "")
        let name: ExactText = "n\(1)"
        #expect(name.string == "n1")
    }

    @Test("of tensors and metadata are kept apart in a file, as the reference keeps them")
    func files() throws {
        for (composed, decomposed) in Self.pairs {
            var builder = SafetensorsBuilder(metadata: [ExactText(composed): "1", ExactText(decomposed): "2"])
            try builder.add(composed, shape: [1], floats: [1])
            try builder.add(decomposed, shape: [2], floats: [2, 3])
            let file = try SafetensorsFile(bytes: builder.build())
            #expect(file.tensors.count == 2)
            #expect(try file.tensor(composed).floats() == [1])
            #expect(try file.tensor(decomposed).floats() == [2, 3])
            #expect(file.header.metadata == [ExactText(composed): "1", ExactText(decomposed): "2"])
            #expect(
                try file.header
                    == SafetensorsLayout(tensors: file.header.tensors, metadata: file.header.metadata).header)
            #expect(file.header.tensors[0] != file.header.tensors[1])
        }
        var builder = SafetensorsBuilder()
        try builder.add("\u{E9}", shape: [1], floats: [1])
        let file = try SafetensorsFile(bytes: builder.build())
        #expect(file["e\u{301}"] == nil)
        #expect(throws: SafetensorsError.self) { try builder.add("\u{E9}", shape: [1], floats: [1]) }
    }

    @Test("are read from a file that the reference wrote with both spellings")
    func reference() throws {
        let folder = try TemporaryFolder()
        try PythonReference.run(
            """
            import sys, numpy
            from safetensors.numpy import save_file
            pairs = [("\\u00e9", "e\\u0301"), ("\\uac00", "\\u1100\\u1161"), ("\\u212b", "\\u00c5")]
            names = [name for pair in pairs for name in pair]
            save_file({name: numpy.array([i], dtype="f4") for i, name in enumerate(names)}, sys.argv[1],
                      {name: str(i) for i, name in enumerate(names)})
            """, folder.file("both.safetensors"))
        let file = try SafetensorsFile(path: folder.file("both.safetensors"))
        let names = ["\u{E9}", "e\u{301}", "\u{AC00}", "\u{1100}\u{1161}", "\u{212B}", "\u{C5}"]
        #expect(file.tensors.count == names.count)
        for (number, name) in names.enumerated() {
            #expect(try file.tensor(name).floats() == [Float(number)])
            #expect(file.header.metadata[ExactText(name)] == "\(number)")
        }
    }

    @Test("of an update's tensors stand for the tensors of the same bytes alone", arguments: UpdateEncoding.allCases)
    func updates(encoding: UpdateEncoding) throws {
        func file(_ values: [Float]) throws -> SafetensorsFile {
            var builder = SafetensorsBuilder(limits: .module)
            try builder.add("\u{E9}", shape: [1, 2], floats: [values[0], values[1]])
            try builder.add("e\u{301}", shape: [1, 2], floats: [values[2], values[3]])
            return try SafetensorsFile(bytes: builder.build(), limits: .module)
        }
        let base = try file([0, 0, 0, 0])
        var residual: UpdateResidual?
        let update = try UpdateEncoder.encode(
            trained: file([1, 2, 3, 4]), base: base, as: encoding, fraction: 1, residual: &residual)
        let read = try SafetensorsFile(bytes: update, limits: .module)
        let layout = try UpdateLayout(of: read.header.tensors, as: encoding, onto: base.header.tensors)
        #expect(layout.parts.count == 2)
        // One spelling alone is not the other.
        let single = [TensorDescription(name: "\u{E9}", dtype: .f32, shape: [1, 2])]
        let other = [TensorDescription(name: "e\u{301}", dtype: .f32, shape: [1, 2])]
        if encoding != .sparseDelta {
            #expect(throws: UpdateError.self) { try UpdateLayout(of: single, as: encoding, onto: other) }
        }
    }
}
