extension ExperimentResults.Row {
    /// A method's result on this row.
    public func result(of method: MethodCode) -> MethodResult? { methods.first { $0.method == method } }

    /// The accuracy of a method: mean over devices, then mean and deviation over seeds.
    public func accuracy(of method: MethodCode) -> Spread? {
        result(of: method).flatMap { Spread($0.runs.map(\.accuracy)) }
    }

    /// How far `method` is ahead of `other`, seed by seed.
    public func lead(of method: MethodCode, over other: MethodCode) -> Spread? {
        guard let mine = result(of: method), let theirs = result(of: other) else { return nil }
        return Spread(
            mine.runs.compactMap { run in
                theirs.runs.first { $0.seed == run.seed }.map { run.accuracy - $0.accuracy }
            })
    }

    /// The best of some methods by mean accuracy.
    func best(of methods: [MethodCode]) -> (method: MethodCode, accuracy: Double)? {
        methods.compactMap { method in accuracy(of: method).map { (method, $0.mean) } }.max { $0.1 < $1.1 }
    }

    /// The bytes of a method, and how they compare with FedAvg's.
    public func bytes(of method: MethodCode) -> ByteComparison? {
        guard let result = result(of: method), !result.runs.isEmpty else { return nil }
        let fedAvg = self.result(of: .fedAvg)
        var comparison = ByteComparison(seeds: result.runs.count)
        var pairs: [(mine: CurvePoint, theirs: CurvePoint)] = []
        var converged: [(mine: CurvePoint, theirs: CurvePoint)] = []
        for run in result.runs {
            if let mine = ByteAccounting.convergence(of: run) { comparison.toConvergence.append(mine.bytes) }
            guard let reference = fedAvg?.runs.first(where: { $0.seed == run.seed }),
                let target = ByteAccounting.best(reference),
                let theirs = ByteAccounting.point(of: reference, reaching: target)
            else { continue }
            if let mine = ByteAccounting.point(of: run, reaching: target) {
                comparison.toTarget.append(mine.bytes)
                pairs.append((mine, theirs))
            }
            if let mine = ByteAccounting.convergence(of: run),
                let theirs = ByteAccounting.convergence(of: reference)
            {
                converged.append((mine, theirs))
            }
        }
        comparison.fewerToTarget = Self.ratio(pairs, of: result.runs.count)
        comparison.fewerToConvergence = Self.ratio(converged, of: result.runs.count)
        return comparison
    }

    /// Mean bytes of theirs over mean bytes of mine; infinite where mine are none. `nil` unless every seed has both,
    /// and theirs are some.
    private static func ratio(_ pairs: [(mine: CurvePoint, theirs: CurvePoint)], of seeds: Int) -> Double? {
        let mine = pairs.reduce(0) { $0 + $1.mine.bytes }
        let theirs = pairs.reduce(0) { $0 + $1.theirs.bytes }
        return pairs.count == seeds && theirs > 0 ? Double(theirs) / Double(mine) : nil
    }
}

/// What a method sends, over all devices and both ways.
public struct ByteComparison: Sendable, Hashable {
    /// How many seeds there are.
    public var seeds: Int
    /// Bytes to FedAvg's best smoothed accuracy with the same seed, for each seed that reaches it.
    public var toTarget: [Int] = []
    /// Bytes to convergence, one a seed.
    public var toConvergence: [Int] = []
    /// How many times fewer than FedAvg needs to the same accuracy: ratio of the means over seeds; absent unless every
    /// seed reaches it, and where FedAvg's own best costs nothing; infinite where nothing had to be sent.
    public var fewerToTarget: Double?
    /// The same to each method's own convergence.
    public var fewerToConvergence: Double?
}
