import ArgumentParser
import Foundation
import RPC

/// What a measurement found.
struct Measurement {
    var name: String
    var callsPerSecond: Double
    var medianMicroseconds: Double
    var percentile99Microseconds: Double
}

extension RegistryBench {
    /// Keeps `concurrency` calls in flight for `seconds`, after a tenth of that to warm up.
    func measure(_ name: String, _ client: RPCClient, _ make: () throws -> Operation) async throws -> Measurement {
        let operation = try make()
        let warm = ContinuousClock.now + .seconds(seconds / 10)
        let end = warm + .seconds(seconds)
        let latencies = try await withThrowingTaskGroup(of: [Double].self) { group in
            for _ in 0..<concurrency {
                group.addTask {
                    var latencies: [Double] = []
                    while true {
                        let start = ContinuousClock.now
                        if start >= end { return latencies }
                        _ = try await operation.call(client)
                        if start >= warm { latencies.append(start.duration(to: .now) / .microseconds(1)) }
                    }
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        let sorted = latencies.sorted()
        guard !sorted.isEmpty else { throw ValidationError("\(name): no call ended in time; allow more seconds") }
        return Measurement(
            name: name, callsPerSecond: Double(sorted.count) / seconds, medianMicroseconds: sorted[sorted.count / 2],
            percentile99Microseconds: sorted[min(sorted.count - 1, sorted.count * 99 / 100)])
    }

    func report(
        _ measurement: Measurement, unit: String, ceiling: Double?, detail: [String: Double], scale: Double = 1
    ) {
        var line: [String: Any] = [
            "benchmark": measurement.name, unit: rounded(measurement.callsPerSecond * scale),
            "median_us": rounded(measurement.medianMicroseconds),
            "p99_us": rounded(measurement.percentile99Microseconds),
            "connections": connections, "concurrency": concurrency,
        ]
        for (name, value) in detail { line[name] = value }
        if let ceiling { line["ratio_to_echo"] = rounded(measurement.callsPerSecond / ceiling) }
        if let data = try? JSONSerialization.data(withJSONObject: line, options: [.sortedKeys]) {
            print(String(decoding: data, as: UTF8.self))
        }
    }

    private func rounded(_ value: Double) -> Double {
        let scale = pow(10, 3 - ceil(log10(max(abs(value), 1e-9))))
        return scale >= 1 ? (value * scale).rounded() / scale : value.rounded()
    }
}
