import ECLMCore
import Foundation
import PythonReference
import Testing

@Suite("Safetensors files")
struct SafetensorsFileTests {
    @Test("hold what was put into them")
    func roundTrip() throws {
        var builder = SafetensorsBuilder(metadata: ["eclm.block": "feed_forward"])
        try builder.add("weight", shape: [2, 2], floats: [1, -2, 3.5, .infinity])
        try builder.add("half", shape: [3], dtype: .f16, floats: [1, 2, 65504])
        try builder.add(TensorDescription(name: "ids", dtype: .i64, shape: []), bytes: [1, 0, 0, 0, 0, 0, 0, 0])
        try builder.add(TensorDescription(name: "none", dtype: .u8, shape: [0, 7]), bytes: [])
        let file = try SafetensorsFile(bytes: try builder.build())
        #expect(file.header.metadata == ["eclm.block": "feed_forward"])
        #expect(file.header.tensors.map(\.name) == ["ids", "weight", "half", "none"])
        #expect(try file.tensor("weight").floats() == [1, -2, 3.5, .infinity])
        #expect(try file.tensor("weight").firstNonFinite() == 3)
        #expect(try file.tensor("half").floats() == [1, 2, 65504])
        #expect(try file.tensor("half").firstNonFinite() == nil)
        #expect(file["ids"]?.bytes() == [1, 0, 0, 0, 0, 0, 0, 0])
        #expect(file["none"]?.elementCount == 0)
        #expect(file["missing"] == nil)
    }

    @Test("are the same bytes whatever order the tensors came in")
    func determinism() throws {
        var first = SafetensorsBuilder(metadata: ["b": "2", "a": "1"])
        try first.add("x", shape: [1], floats: [1])
        try first.add("a", shape: [1], dtype: .f64, floats: [2])
        try first.add("b", shape: [1], floats: [3])
        var second = SafetensorsBuilder(metadata: ["a": "1", "b": "2"])
        try second.add("b", shape: [1], floats: [3])
        try second.add("x", shape: [1], floats: [1])
        try second.add("a", shape: [1], dtype: .f64, floats: [2])
        #expect(try first.build() == second.build())
        #expect(try first.layout().headerBytes.count % 8 == 0)
    }

    @Test("may hold no tensor at all")
    func empty() throws {
        let bytes = try SafetensorsBuilder().build()
        #expect(bytes == [8, 0, 0, 0, 0, 0, 0, 0] + Array("{}      ".utf8))
        #expect(try SafetensorsFile(bytes: bytes).tensors.isEmpty)
    }

    @Test("may list their tensors in any order, as long as the bytes are covered")
    func headerOrder() throws {
        let json =
            #"{"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]},"a":{"data_offsets":[0,1],"shape":[1],"dtype":"I8"}} "#
        let file = try SafetensorsFile(bytes: SafetensorsCorruptionTests.file(json) + [1, 2, 3])
        #expect(file.header.tensors.map(\.name) == ["a", "b"])
        #expect(file["b"]?.bytes() == [2, 3])
    }

    @Test("can be judged by their first bytes alone")
    func headerOnly() throws {
        var builder = SafetensorsBuilder()
        try builder.add("weight", shape: [1000], floats: [Float](repeating: 1, count: 1000))
        let bytes = try builder.build()
        let length = try bytes.withUnsafeBytes { try SafetensorsHeader.byteCount(prefix: $0) }
        let header = try SafetensorsHeader(prefix: Array(bytes[..<length]), fileByteCount: bytes.count)
        #expect(header.tensors == [TensorDescription(name: "weight", dtype: .f32, shape: [1000])])
        #expect(header["weight"]?.byteRange == length..<bytes.count)
        #expect(header.byteCount == bytes.count)
        let error = #expect(throws: SafetensorsError.self) {
            try SafetensorsHeader(prefix: Array(bytes[..<(length - 1)]), fileByteCount: bytes.count)
        }
        #expect(error?.code == .truncatedHeader)
        #expect(error?.message == "the header ends at byte \(length), only \(length - 1) bytes were given")
    }

    @Test("are written to disk piece by piece, with the digest of the same file in memory")
    func streaming() throws {
        let folder = try TemporaryFolder()
        var builder = SafetensorsBuilder(metadata: ["k": "v"])
        try builder.add("a", shape: [2], floats: [1, 2])
        try builder.add("b", shape: [0], floats: [])
        try builder.add("c", shape: [1], floats: [3])
        let whole = try builder.build()
        let writer = try SafetensorsWriter(layout: try builder.layout(), path: folder.file("x.safetensors"))
        try writer.append(ElementType.f32.encode([1]), to: "a")
        #expect(throws: SafetensorsError.self) { try writer.append([0, 0, 0, 0], to: "c") }
        #expect(throws: SafetensorsError.self) { try writer.append([UInt8](repeating: 0, count: 8), to: "a") }
        #expect(throws: SafetensorsError.self) { try writer.finish() }
        try writer.append(ElementType.f32.encode([2]), to: "a")
        try writer.append(ElementType.f32.encode([3]), to: "c")
        #expect(!FileManager.default.fileExists(atPath: folder.file("x.safetensors")))
        #expect(try writer.finish() == Digest.of(whole))
        let file = try SafetensorsFile(path: folder.file("x.safetensors"))
        #expect(file.withUnsafeBytes { Array($0) } == whole)
        #expect(try file.tensor("c").floats() == [3])
    }

    @Test("that are not finished leave nothing behind")
    func abandoned() throws {
        let folder = try TemporaryFolder()
        do {
            _ = try SafetensorsWriter(layout: SafetensorsLayout(tensors: []), path: folder.file("x.safetensors"))
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }

    @Test("that cannot be opened say so")
    func unreadable() throws {
        let error = #expect(throws: SafetensorsError.self) { try SafetensorsFile(path: "/nonexistent/x.safetensors") }
        #expect(error?.message == "cannot open /nonexistent/x.safetensors: No such file or directory")
        let folder = #expect(throws: SafetensorsError.self) { try SafetensorsFile(path: "/tmp") }
        #expect(folder?.message == "/tmp is no regular file")
    }

    @Test("are not built from values that do not fill their shape, or of a name that is taken")
    func builderRefusals() throws {
        var builder = SafetensorsBuilder()
        try builder.add("a", shape: [1], floats: [1])
        let twice = #expect(throws: SafetensorsError.self) { try builder.add("a", shape: [1], floats: [1]) }
        #expect(twice?.message == #"tensor "a" appears twice"#)
        let short = #expect(throws: SafetensorsError.self) { try builder.add("b", shape: [2], floats: [1]) }
        #expect(short?.message == #"4 bytes were given for tensor "b", F32 of shape [2] takes 8"#)
        let reserved = #expect(throws: SafetensorsError.self) {
            try builder.add("__metadata__", shape: [], floats: [1])
        }
        #expect(reserved?.code == .invalidName)
        let integer = #expect(throws: SafetensorsError.self) {
            try builder.add("i", shape: [], dtype: .i8, floats: [1])
        }
        #expect(integer?.code == .notFloatingPoint)
        let missing = #expect(throws: SafetensorsError.self) {
            try SafetensorsFile(bytes: try builder.build()).tensor("x")
        }
        #expect(missing?.message == #"there is no tensor "x" among the 1, such as "a""#)
    }
}
