import ECLMCore
import Logging
import Synchronization
import Testing

@testable import CommandSupport

@Suite("What commands print")
struct OutputTests {
    private struct Result: Encodable {
        var fetchedBytes: ByteSize = ByteSize(12_268_339)
        var gap: Double
        var attributes = ["siteName": "north/1"]
        var at = Timestamp(microseconds: 0)
    }

    @Test("JSON has sorted snake_case keys, plain integers, and numbers JSON lacks as text")
    func json() throws {
        #expect(
            try JSONDocument.line(Result(gap: .infinity)) == """
                {"at":"1970-01-01T00:00:00.000000Z","attributes":{"siteName":"north/1"},"fetched_bytes":12268339,"gap":"inf"}
                """)
    }

    @Test("A failure says what happened and what to do, to people and to programs")
    func failures() {
        let failure = CommandFailure(.notFound, "no model \u{1B}[1mx", hint: "list them", details: ["layer": 3])
        let report = FailureReport(failure)
        #expect(report.status.code == 3)
        #expect(report.text(.table) == "error: no model \\u{1B}[1mx\nhint: list them\n")
        let json = report.text(.json)
        #expect(json.contains("\"code\" : \"not_found\""))
        #expect(json.contains("\"exit_status\" : 3"))
        #expect(json.contains("\"layer\" : 3"))
    }

    @Test("An error nobody knows is a failure, status 1")
    func unknownFailures() {
        struct Unknown: Error {}
        #expect(FailureReport(Unknown()).status == .failure)
        #expect(FailureReport(Unknown()).text(.table) == "error: Unknown()\n")
    }

    @Test("Progress tells share, rate and the time left, within the terminal's width")
    func progress() {
        let progress = Progress(done: 3 << 20, total: 12 << 20)
        let line = progress.line(label: "pulling", elapsed: .seconds(3), width: 100)
        #expect(line == "pulling  [=======                       ]  25%  3.0 MiB of 12.0 MiB  1.0 MiB/s  9 s left")
        for width in 1...100 {
            #expect(progress.line(label: "pulling", elapsed: .seconds(3), width: width).columns <= max(1, width - 1))
        }
        #expect(Progress(done: 1024, total: 0).line(label: "x", elapsed: .zero, width: 80) == "x  1.0 KiB")
    }
}

@Suite("Logs")
struct LogTests {
    private func lines(_ format: LogFormat, _ log: (inout Logger) -> Void) -> [String] {
        let lines = Lines()
        var logger = Logger(label: "test") { label in
            StructuredLogHandler(label: label, format: format, level: .info) { line in lines.add(line) }
        }
        log(&logger)
        return lines.all
    }

    private final class Lines: Sendable {
        private let stored = Mutex<[String]>([])
        var all: [String] { stored.withLock { $0 } }
        func add(_ line: String) { stored.withLock { $0.append(line) } }
    }

    @Test("A logfmt line quotes what needs it and cannot be broken by what is logged")
    func logfmt() {
        let lines = lines(.logfmt) { logger in
            logger[metadataKey: "peer"] = "10.0.0.1:7"
            logger.info("two\nlines", metadata: ["a b": "x=y", "level": "fake", "ok": "plain"])
        }
        #expect(lines.count == 1)
        #expect(lines[0].hasPrefix("time=20"))
        #expect(
            lines[0].hasSuffix(
                #" level=info logger=test msg="two\nlines" a_b="x=y" field.level=fake ok=plain peer=10.0.0.1:7"# + "\n")
        )
    }

    @Test("A JSON line is an object on one line")
    func json() {
        let lines = lines(.json) { $0.error("a \"b\" \u{1B}", metadata: ["n": "1"]) }
        #expect(lines[0].hasSuffix(#""level":"error","logger":"test","msg":"a \"b\" \u001b","n":"1"}"# + "\n"))
    }

    @Test("Levels below the handler's are not written")
    func levels() {
        #expect(lines(.logfmt) { $0.debug("hidden") }.isEmpty)
    }
}
