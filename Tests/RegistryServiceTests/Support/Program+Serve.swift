import Foundation
import RPC
import TestSupport

extension Program {
    /// Starts registryd with an endpoint file and waits until it listens; `nil` when it ended instead.
    func serve() async throws -> RPCEndpoint? {
        let file = folder.appendingPathComponent("endpoint")
        addArguments(["--endpoint-file", file.path])
        try start()
        let end = ContinuousClock.now + .seconds(30)
        while isRunning, ContinuousClock.now < end {
            if let text = try? String(contentsOf: file, encoding: .utf8) {
                return RPCEndpoint(text.trimmingCharacters(in: .whitespacesAndNewlines))
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        return nil
    }
}
