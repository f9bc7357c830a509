import ECLMCore
import Foundation
import PythonReference
import Testing

@Suite("The reference Python package and this one understand each other")
struct SafetensorsReferenceTests {
    /// Every dtype with values that numpy can hold, written by the reference.
    static let write = """
        import sys, numpy as np
        from safetensors.numpy import save_file
        save_file({
            "z.f32": np.arange(6, dtype=np.float32).reshape(2, 3) / 4 - 1,
            "f64": np.array([1.5, -2.25e100]), "f16": np.array([[1.5], [6e-8]], dtype=np.float16),
            "i64": np.array([-1, 2**40]), "i32": np.array([-3], dtype=np.int32),
            "i16": np.array([-4, 5, 6], dtype=np.int16), "i8": np.array([-7], dtype=np.int8),
            "u64": np.array([2**63], dtype=np.uint64), "u32": np.array([9], dtype=np.uint32),
            "u16": np.array([10], dtype=np.uint16), "u8": np.array([11, 12, 13], dtype=np.uint8),
            "bool": np.array([True, False]), "scalar": np.array(3.0, dtype=np.float32),
            "empty": np.zeros((3, 0), dtype=np.float32), 'q"\\\\\\u00e9\\n'.replace("\\n", "/"): np.zeros(1, dtype=np.float32),
        }, sys.argv[1], metadata={"format": "np \\u00e9 \\"quoted\\"\\n"})
        """

    @Test("its files are read, and written again byte by byte the same")
    func reads() throws {
        let folder = try TemporaryFolder()
        try PythonReference.run(Self.write, folder.file("reference.safetensors"))
        let file = try SafetensorsFile(path: folder.file("reference.safetensors"))
        #expect(file.header.metadata == ["format": "np é \"quoted\"\n"])
        #expect(try file.tensor("z.f32").floats() == [-1, -0.75, -0.5, -0.25, 0, 0.25])
        #expect(file["z.f32"]?.shape == [2, 3])
        #expect(try file.tensor("f64").floats() == [1.5, -.infinity])
        #expect(try file.tensor("f64").firstNonFinite() == nil)
        #expect(try file.tensor("f16").floats() == [1.5, 0x1p-24])
        #expect(file["i64"]?.bytes() == [UInt8](repeating: 255, count: 8) + [0, 0, 0, 0, 0, 1, 0, 0])
        #expect(file["bool"]?.bytes() == [1, 0])
        #expect(file["scalar"]?.shape == [])
        #expect(file["empty"]?.shape == [3, 0])
        #expect(Set(file.tensors.map(\.dtype)) == Set(ElementType.allCases).subtracting([.bf16]))
        var builder = SafetensorsBuilder(metadata: file.header.metadata)
        for tensor in file.tensors.reversed() { try builder.add(tensor.description, bytes: tensor.bytes()) }
        let original = file.withUnsafeBytes { Array($0) }
        #expect(try builder.build() == original)
    }

    @Test("it reads files written here, with every dtype and the metadata")
    func isRead() throws {
        let folder = try TemporaryFolder()
        var builder = SafetensorsBuilder(metadata: ["eclm.inner": "0-95 of 1536", "tab": "a\tb\u{1}é"])
        for dtype in ElementType.allCases where dtype != .bf16 && dtype != .bool {
            let bytes = (0..<dtype.byteCount * 3).map { UInt8($0 % 3) }
            try builder.add(TensorDescription(name: dtype.rawValue, dtype: dtype, shape: [3, 1]), bytes: bytes)
        }
        try builder.add(TensorDescription(name: "BOOL", dtype: .bool, shape: [2]), bytes: [0, 1])
        try builder.add("weight \"é\\", shape: [2, 2], floats: [1, 2.5, -3, 4])
        let writer = try SafetensorsWriter(layout: try builder.layout(), path: folder.file("ours.safetensors"))
        let whole = try SafetensorsFile(bytes: try builder.build())
        for tensor in whole.tensors { try writer.append(tensor.bytes(), to: tensor.name) }
        _ = try writer.finish()
        let text = try PythonReference.run(
            """
            import sys, json, hashlib
            from safetensors import safe_open
            with safe_open(sys.argv[1], framework="np") as file:
                tensors = {name: file.get_tensor(name) for name in file.keys()}
                print(json.dumps({"metadata": file.metadata(), "tensors": {
                    name: [str(array.dtype), list(array.shape), array.tobytes().hex()] for name, array in tensors.items()}}))
            """, folder.file("ours.safetensors"))
        struct Answer: Decodable {
            let metadata: [String: String]
            let tensors: [String: [Value]]
            enum Value: Decodable, Equatable {
                case text(String), shape([Int])
                init(from decoder: any Decoder) throws {
                    let container = try decoder.singleValueContainer()
                    if let text = try? container.decode(String.self) {
                        self = .text(text)
                    } else {
                        self = .shape(try container.decode([Int].self))
                    }
                }
            }
        }
        let answer = try JSONDecoder().decode(Answer.self, from: Data(text.utf8))
        #expect(Set(answer.metadata.map { ExactText($0.key) }) == Set(whole.header.metadata.keys))
        for (key, value) in whole.header.metadata { #expect(answer.metadata[key.string] == value) }
        let names: [ElementType: String] = [
            .f64: "float64", .f32: "float32", .f16: "float16", .i64: "int64", .i32: "int32", .i16: "int16", .i8: "int8",
            .u64: "uint64", .u32: "uint32", .u16: "uint16", .u8: "uint8", .bool: "bool",
        ]
        #expect(answer.tensors.count == whole.tensors.count)
        for tensor in whole.tensors {
            let hex = tensor.bytes().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            #expect(
                answer.tensors[tensor.name] == [.text(names[tensor.dtype] ?? ""), .shape(tensor.shape), .text(hex)],
                "tensor \(tensor.name)")
        }
    }

    @Test("every corruption is refused there as well, but for those where this package is stricter")
    func bothRefuse() throws {
        let folder = try TemporaryFolder()
        let shared = SafetensorsCorruptionTests.framing + SafetensorsCorruptionTests.tensors
        let stricter: Set<String> = [
            "white space before the object", "a newline for padding", "an empty name",
            "a control character in a name", "an unknown dtype",
        ]
        var names: [String] = []
        for corruption in shared {
            names.append(corruption.testDescription)
            try Data(corruption.bytes).write(to: URL(fileURLWithPath: folder.file("\(names.count - 1)")))
        }
        let text = try PythonReference.run(
            """
            import sys
            from safetensors import safe_open
            for index in range(int(sys.argv[2])):
                try:
                    with safe_open(f"{sys.argv[1]}/{index}", framework="np") as file: file.keys()
                    print(index)
                except Exception: pass
            """, folder.path, String(names.count))
        let accepted = text.split(whereSeparator: \.isNewline).compactMap { Int($0) }.map { names[$0] }
        #expect(Set(accepted) == stricter)
    }
}
