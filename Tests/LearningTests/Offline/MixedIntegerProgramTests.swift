import ECLMCore
import Learning
import Testing

@Suite("A mixed-integer program")
struct MixedIntegerProgramTests {
    /// A random mask: rows are sub-tasks, columns modules.
    private static func instance(_ seed: UInt64) -> (gates: [[Double]], load: Double, perRow: Int) {
        var generator = SplitMix64(seed: seed)
        let (rows, columns) = (2 + generator.below(2), 2 + generator.below(3))
        let gates = (0..<rows).map { _ in
            let row = (0..<columns).map { _ in generator.uniform() }
            return row.map { $0 / row.reduce(0, +) }
        }
        return (gates, 0.3 + generator.uniform(), 1 + generator.below(2))
    }

    private static func program(_ instance: (gates: [[Double]], load: Double, perRow: Int)) -> MixedIntegerProgram {
        var program = MixedIntegerProgram()
        let variables = instance.gates.map { row in row.map { program.add(.binary(objective: $0)) } }
        for column in instance.gates[0].indices {
            program.add(
                .init(
                    instance.gates.indices.map { .init(instance.gates[$0][column], of: variables[$0][column]) },
                    maximum: instance.load))
        }
        for row in variables {
            program.add(.init(row.map { .init(1, of: $0) }, maximum: Double(instance.perRow)))
        }
        return program
    }

    @Test("finds what trying every assignment finds", arguments: 0..<25 as Range<UInt64>)
    func bruteForce(_ seed: UInt64) throws {
        let instance = Self.instance(seed)
        let (rows, columns) = (instance.gates.count, instance.gates[0].count)
        var best = 0.0
        for bits in 0..<(1 << (rows * columns)) {
            func chosen(_ row: Int, _ column: Int) -> Bool { bits >> (row * columns + column) & 1 == 1 }
            let fitsRows = (0..<rows).allSatisfy { row in
                (0..<columns).filter { chosen(row, $0) }.count <= instance.perRow
            }
            var value = 0.0
            var loads = [Double](repeating: 0, count: columns)
            for row in 0..<rows {
                for column in 0..<columns where chosen(row, column) {
                    value += instance.gates[row][column]
                    loads[column] += instance.gates[row][column]
                }
            }
            if fitsRows, loads.allSatisfy({ $0 <= instance.load + 1e-9 }) { best = max(best, value) }
        }
        let solution = try Self.program(instance).maximized()
        #expect(solution.isOptimal)
        #expect(abs(solution.objective - best) < 1e-6)
        #expect(solution.values.allSatisfy { $0 == 0 || $0 == 1 })
    }

    @Test("mixes whole and continuous unknowns, and fixed ones")
    func mixed() throws {
        var program = MixedIntegerProgram()
        let whole = program.add(.init(objective: 3, bounds: 0...10, isInteger: true))
        let real = program.add(.init(objective: 2, bounds: -1...10, isInteger: false))
        let fixed = program.add(.init(objective: 1, bounds: 2...2, isInteger: false))
        program.add(.init([.init(2, of: whole), .init(1, of: real), .init(1, of: fixed)], minimum: 1, maximum: 9.5))
        let solution = try program.maximized()
        // 2w + r <= 7.5 leaves w = 0, r = 7.5 with 15 and w = 4, r = -0.5 with 11: the real unknown is worth more.
        #expect(solution.values == [0, 7.5, 2])
        #expect(abs(solution.objective - 17) < 1e-9)
        #expect(try MixedIntegerProgram().maximized().values.isEmpty)
    }

    @Test("says that no values satisfy it")
    func infeasible() throws {
        var program = MixedIntegerProgram()
        let first = program.add(.binary(objective: 1))
        program.add(.init([.init(1, of: first)], minimum: 2))
        #expect { try program.maximized() } throws: { ($0 as? LearningError)?.code == .infeasible }
        // Feasible without the bound to whole numbers, infeasible with it.
        var fraction = MixedIntegerProgram()
        let half = fraction.add(.binary(objective: 1))
        fraction.add(.init([.init(2, of: half)], minimum: 1, maximum: 1))
        #expect { try fraction.maximized() } throws: { ($0 as? LearningError)?.code == .infeasible }
    }

    @Test("is refused when it makes no sense, before the solver could end the process")
    func refused() {
        let sound = MixedIntegerProgram.Variable.binary(objective: 1)
        func program(_ variable: MixedIntegerProgram.Variable, _ constraint: MixedIntegerProgram.Constraint?)
            -> MixedIntegerProgram
        {
            var program = MixedIntegerProgram()
            _ = program.add(variable)
            if let constraint { program.add(constraint) }
            return program
        }
        let programs = [
            program(.init(objective: .nan, bounds: 0...1, isInteger: true), nil),
            program(.init(objective: 1, bounds: 0 ... .infinity, isInteger: true), nil),
            program(sound, .init([.init(1, of: 1)], maximum: 1)), program(sound, .init([.init(1, of: -1)], maximum: 1)),
            program(sound, .init([.init(.infinity, of: 0)], maximum: 1)),
            program(sound, .init([.init(1, of: 0), .init(1, of: 0)], maximum: 1)),
            program(sound, .init([.init(1, of: 0)], minimum: 2, maximum: 1)),
            program(sound, .init([.init(1, of: 0)], maximum: .nan)),
        ]
        for program in programs {
            #expect { try program.maximized() } throws: { ($0 as? LearningError)?.code == .solver }
        }
        for limits in [
            MixedIntegerProgram.Limits(seconds: 0), .init(seconds: .nan), .init(relativeGap: 1), .init(relativeGap: -1),
        ] {
            #expect { try program(sound, nil).maximized(limits) } throws: { ($0 as? LearningError)?.code == .solver }
        }
    }

    @Test("is solved on many threads at once")
    func threads() async throws {
        try await withThrowingTaskGroup(of: Double.self) { group in
            let program = Self.program(Self.instance(3))
            for _ in 0..<16 { group.addTask { try program.maximized().objective } }
            var objectives: Set<Double> = []
            for try await objective in group { objectives.insert(objective) }
            #expect(objectives.count == 1)
        }
    }
}
