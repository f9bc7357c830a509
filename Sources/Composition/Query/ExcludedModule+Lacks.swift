import ECLMCore

extension [ExcludedModule] {
    /// The most reasons that a message names.
    private static let maximumReasons = 8

    /// What the device lacks for the modules of some layers, the most frequent first: `needs operator conv2d (4 modules)`.
    ///
    /// - Returns: `nil` where nothing is known to be lacking.
    func lacks(inLayers layers: [Int]) -> String? {
        let wanted = Set(layers)
        var counts: [String: Int] = [:]
        for excluded in self where excluded.module.slot.layer.map(wanted.contains) == true {
            for reason in excluded.reasons { counts[reason, default: 0] += 1 }
        }
        guard !counts.isEmpty else { return nil }
        let reasons = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        var named = reasons.prefix(Self.maximumReasons).map { reason, count in
            "\(reason) (\(count) module\(count == 1 ? "" : "s"))"
        }
        if reasons.count > named.count { named.append("and \(reasons.count - named.count) more") }
        return named.joined(separator: "; ")
    }
}
