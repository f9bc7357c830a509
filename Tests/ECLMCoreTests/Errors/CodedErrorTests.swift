import ECLMCore
import Testing

@Suite("Coded errors")
struct CodedErrorTests {
    @Test("An error's text for logs names code, message and cause")
    func description() {
        let inner = SafetensorsError(.invalidShape, "a shape of -1")
        let outer = UpdateError(.unwritable, "no update", cause: inner)
        #expect("\(inner)" == "invalid_shape: a shape of -1")
        #expect("\(outer)" == "unwritable: no update (cause: invalid_shape: a shape of -1)")
        #expect(outer.explanation == "no update")
    }

    @Test("A cause of the same type and code is not nested, its own cause is kept")
    func flattening() {
        let first = SafetensorsError(.inputOutput, "first")
        let same = UpdateError(.mismatch, "third", cause: UpdateError(.mismatch, "second", cause: first))
        #expect((same.cause as? SafetensorsError)?.message == "first")
        let other = UpdateError(.mismatch, "third", cause: UpdateError(.notFinite, "second", cause: first))
        #expect((other.cause as? UpdateError)?.message == "second")
    }

    @Test("An error ends a program as its code says")
    func exitStatus() {
        #expect(SafetensorsError(.inputOutput, "").exitStatus == .notFound)
        #expect(SafetensorsError(.inputOutput, "").failureCode == "input_output")
        #expect(throws: DigestError.self) { try Digest("x") }
    }
}
