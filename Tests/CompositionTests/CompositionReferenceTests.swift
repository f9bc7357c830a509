import Composition
import ECLMCore
import Foundation
import Testing

@Suite("Composition agrees with an independent exact solver")
struct CompositionReferenceTests {
    private struct Question: Encodable {
        var layerCount: Int
        var minimum: Int
        var layers: [Int]
        var profits: [Int64]
        var costs: [[Int64]]
        var capacities: [Int64?]
    }

    @Test("on 600 random problems: the same objective, the same feasibility")
    func agreesWithHiGHS() throws {
        let instances = Self.instances(count: 600)
        let answers = try Self.reference(instances)
        try #require(answers.count == instances.count)
        let solver = CompositionSolver()
        var feasible = 0
        for (number, (instance, answer)) in zip(instances, answers).enumerated() {
            let problem = try instance.problem()
            let solution = solver.solve(problem).solution
            guard let answer else {
                #expect(solution == nil, "instance \(number) is infeasible by the reference")
                continue
            }
            guard let solution else {
                Issue.record("instance \(number) is feasible by the reference")
                continue
            }
            feasible += 1
            let expected = Double(answer) / instance.scale
            #expect(
                abs(solution.objective - expected) <= 1e-9 * max(1, expected),
                "instance \(number): \(solution.objective), by the reference \(expected)")
            #expect(problem.admits(solution.chosen), "instance \(number)")
            #expect(solution.isOptimal && solution.gap == 0)
        }
        // Both answers must be common, or the comparison says little.
        #expect(feasible >= 400 && feasible <= 590)
    }

    private static func instances(count: Int) -> [CompositionInstance] {
        var generator = SplitMix64(seed: 20_240_611)
        return (0..<count).map { number in
            let kind = CompositionInstance.Kind.allCases[number % CompositionInstance.Kind.allCases.count]
            let isHard = kind == .correlated || kind == .subsetSum
            let modules = isHard ? Int.random(in: 2...12, using: &generator) : Int.random(in: 2...32, using: &generator)
            return CompositionInstance(
                kind: kind, layerCount: .random(in: 1...6, using: &generator), modulesPerLayer: modules,
                minimum: number % 7 == 0 ? 2 : 1,
                tightness: [0.08, 0.2, 0.4, 0.7].randomElement(using: &generator) ?? 0.5,
                resources: .random(in: 1...3, using: &generator), using: &generator)
        }
    }

    /// Asks scipy's HiGHS in one run of Python.
    private static func reference(_ instances: [CompositionInstance]) throws -> [Int64?] {
        let questions = instances.map { instance in
            Question(
                layerCount: instance.layerCount, minimum: instance.minimum, layers: instance.layers,
                profits: instance.profits,
                costs: Resource.allCases.map { resource in instance.costs.map { $0[resource] } },
                capacities: Resource.allCases.map { resource in
                    instance.budget[resource].map { $0 - instance.fixed[resource] }
                })
        }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("composition-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let source = folder.appendingPathComponent("questions.json")
        let target = folder.appendingPathComponent("answers.json")
        try JSONEncoder().encode(questions).write(to: source)
        let script = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Support/milp_reference.py")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        let python = ProcessInfo.processInfo.environment["ECLM_PYTHON"] ?? "python3"
        process.arguments = [python, script.path, source.path, target.path]
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "the reference needs Python with scipy: set ECLM_PYTHON")
        return try JSONDecoder().decode([Int64?].self, from: Data(contentsOf: target))
    }
}
