import Aggregation
import ArgumentParser
import CReadBandwidth
import ECLMCore
import Foundation
import Trainer

/// Measures the trainer's arithmetic over files in memory.
@main
struct AggregationBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "aggregation-bench",
        abstract: "Measure the aggregation of one module, beside plain reads of the same arrays.",
        discussion: """
            Prints one JSON line a measurement, of the fastest of the repetitions. ratio_to_read is the part of the speed at
            which a plain C loop on as many threads reads the same arrays, measured in turn with it.

            round measures one in the migrated database that PGHOST, PGDATABASE and the like name, beside psql and COPY.

            Example:
              aggregation-bench --rules mean,median --updates 16
            """)

    @Option(help: "What to measure, by commas: mean, checked, int8, sparse, median, trimmed, krum, precision, round.")
    var rules = "mean,checked,int8,sparse,precision"

    @Option(help: "Updates.")
    var updates = 64

    @Option(help: "Values of each update.")
    var parameters = 11_700_000

    @Option(help: "Modules that share the values of each update; of a round alone.")
    var experts = 10

    @Option(help: "Times that each is measured.")
    var repetitions = 5

    @Option(help: "Threads; all cores by default.")
    var cores = ProcessInfo.processInfo.activeProcessorCount

    func validate() throws {
        guard (3...1024).contains(updates), (1000...1_000_000_000).contains(parameters),
            (1...1000).contains(repetitions), (1...256).contains(cores), (1...1000).contains(experts)
        else {
            throw ValidationError(
                "updates must be 3 to 1024, parameters 1000 to 10^9, experts and repetitions 1 to 1000, cores 1 to 256")
        }
    }

    func run() async throws {
        for rule in rules.split(separator: ",") {
            switch rule {
            case "mean": try await measure("mean", SampleWeightedMean(), .full, checks: false)
            case "checked": try await measure("mean_checked", SampleWeightedMean(), .full, checks: true)
            case "int8": try await measure("mean_int8", SampleWeightedMean(), .int8Delta, checks: false)
            case "sparse": try await measure("mean_sparse", SampleWeightedMean(), .sparseDelta, checks: false)
            case "median": try await measure("median", CoordinateMedian(), .full, checks: false)
            case "trimmed": try await measure("trimmed_mean", TrimmedMean(fraction: 0.2), .full, checks: false)
            case "krum": try await measure("krum", Krum(faulty: (updates - 3) / 2 / 2), .full, checks: false)
            case "precision": measurePrecision()
            case "round":
                try printLine(
                    try await RoundBench(updates: updates, parameters: parameters, experts: experts)
                        .measure(repetitions: repetitions))
            default: throw ValidationError("there is no measurement \(rule)")
            }
        }
    }

    private func measure(
        _ name: String, _ rule: any AggregationRule, _ encoding: UpdateEncoding, checks: Bool
    ) async throws {
        let base = try file(of: values(seed: 0))
        var sources: [ModuleAggregator.Update] = []
        for number in 0..<updates {
            let bytes = try encoded(number + 1, encoding)
            sources.append(.init(file: bytes, encoding: encoding, sampleCount: Int64(1 + number % 7)))
        }
        let inputBytes = sources.reduce(0) { $0 + $1.file.count }
        var aggregator = ModuleAggregator(rule: rule)
        aggregator.cores = cores
        aggregator.checksValues = checks
        var (seconds, reading) = (Double.infinity, Double.infinity)
        var peak = 0
        for _ in 0..<repetitions {
            for block in [0, 1 << 16] where encoding == .full {
                reading = min(reading, Self.read(sources.map(\.file)[...], block: block, threads: cores))
            }
            let before = Memory.resetPeak()
            let start = ContinuousClock.now
            let aggregate = try await aggregator.aggregate(sources, of: .expert, onto: base)
            seconds = min(seconds, start.duration(to: .now) / .seconds(1))
            peak = max(peak, Memory.peak() - before)
            guard aggregate.file.count == base.count else { throw ValidationError("\(name) made no module") }
        }
        var line: [String: Any] = [
            "benchmark": "aggregate_\(name)", "seconds": rounded(seconds), "updates": updates,
            "parameters": parameters, "cores": cores,
            "gigabytes_per_second": rounded(Double(inputBytes) / seconds / 1e9),
            "peak_mib_beyond_inputs": rounded(Double(peak) / 1_048_576),
            "model_mib": rounded(Double(base.count) / 1_048_576),
        ]
        if reading.isFinite {
            line["read_gigabytes_per_second"] = rounded(Double(inputBytes) / reading / 1e9)
            line["ratio_to_read"] = rounded(reading / seconds)
        }
        try printLine(line)
    }

    /// Double precision beside single precision with compensation: rows that stay in the cache, on one core.
    private func measurePrecision() {
        let (rows, length) = (updates, 2048)
        let values = (0..<rows).map { row in
            (0..<length).map { (column: Int) -> Float in Float((column * 31 + row * 17) % 1000) / 1000 - 0.5 }
        }
        let weights = [Double](repeating: 1 / Double(rows), count: rows)
        var (double, compensated) = (Double.infinity, Double.infinity)
        withPointers(to: values[...]) { pointers in
            for _ in 0..<(repetitions * 200) {
                var sums = [Double](repeating: 0, count: length)
                double = min(double, seconds { sum_in_double(pointers, weights, rows, length, &sums) })
                var (singles, lost) = ([Float](repeating: 0, count: length), [Float](repeating: 0, count: length))
                let small = weights.map { Float($0) }
                compensated = min(
                    compensated, seconds { sum_compensated(pointers, small, rows, length, &singles, &lost) })
            }
        }
        let count = Double(rows * length) / 1e9
        try? printLine([
            "benchmark": "accumulate", "double_gigavalues_per_second": rounded(count / double),
            "compensated_single_gigavalues_per_second": rounded(count / compensated),
            "ratio_double_to_compensated": rounded(compensated / double),
        ])
    }

    private func seconds(_ body: () -> Void) -> Double {
        let start = ContinuousClock.now
        body()
        return start.duration(to: .now) / .seconds(1)
    }

    private func withPointers(
        to rows: ArraySlice<[Float]>, _ found: [UnsafePointer<Float>?] = [], _ body: ([UnsafePointer<Float>?]) -> Void
    ) {
        guard let row = rows.first else { return body(found) }
        row.withUnsafeBufferPointer { withPointers(to: rows.dropFirst(), found + [$0.baseAddress], body) }
    }

    /// The seconds that reading all files takes.
    private static func read(
        _ files: ArraySlice<[UInt8]>, block: Int, threads: Int, bytes: Int = .max, _ found: [UnsafeRawPointer?] = []
    ) -> Double {
        guard let file = files.first else {
            let start = ContinuousClock.now
            let sum = read_arrays(found, found.count, bytes, block, Int32(threads))
            let seconds = start.duration(to: .now) / .seconds(1)
            return sum == 0 ? .infinity : seconds
        }
        return file.withUnsafeBytes {
            read(
                files.dropFirst(), block: block, threads: threads, bytes: min(bytes, file.count),
                found + [$0.baseAddress])
        }
    }

    private func values(seed: Int) -> [Float] {
        var state = UInt32(truncatingIfNeeded: seed &* 2_654_435_761 &+ 12_345)
        return (0..<parameters).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return Float(Int32(bitPattern: state) >> 8) * 0x1p-23
        }
    }

    private func file(of values: [Float]) throws -> [UInt8] {
        var builder = SafetensorsBuilder()
        try builder.add("w", shape: [values.count], dtype: .f32, floats: values)
        return try builder.build()
    }

    /// An update; differences of few bytes are made by hand, since the encoder keeps residuals.
    private func encoded(_ seed: Int, _ encoding: UpdateEncoding) throws -> [UInt8] {
        var builder = SafetensorsBuilder()
        switch encoding {
        case .int8Delta:
            let codes = values(seed: seed).map { UInt8(bitPattern: Int8($0 * 127)) }
            try builder.add(TensorDescription(name: "w", dtype: .i8, shape: [parameters]), bytes: codes)
            let scales = ElementType.f32.encode([Float](repeating: 0.01, count: parameters))
            try builder.add(TensorDescription(name: "w#scale", dtype: .f32, shape: []), bytes: Array(scales.prefix(4)))
        case .sparseDelta:
            // Every tenth value.
            let count = parameters / 10
            let gaps = [UInt8](repeating: 9, count: count)
            try builder.add(TensorDescription(name: "w#gaps", dtype: .u8, shape: [count]), bytes: gaps)
            try builder.add("w#values", shape: [count], dtype: .f32, floats: Array(values(seed: seed).prefix(count)))
        default: return try file(of: values(seed: seed))
        }
        return try builder.build()
    }

    private func printLine(_ line: [String: Any]) throws {
        print(String(decoding: try JSONSerialization.data(withJSONObject: line, options: [.sortedKeys]), as: UTF8.self))
        fflush(nil)
    }

    private func rounded(_ value: Double) -> Double {
        (value * 1000).rounded() / 1000
    }
}
