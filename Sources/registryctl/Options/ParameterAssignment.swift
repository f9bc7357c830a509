import ArgumentParser
import ECLMCore

/// `name=value` with a number for a value, or `name=` for none.
struct ParameterAssignment: ExpressibleByArgument, Hashable, Sendable {
    var name: String
    var value: Double?

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty else { return nil }
        name = String(parts[0])
        if parts[1].isEmpty { return }
        guard let number = Quantity.number(parts[1]) else { return nil }
        value = number
    }
}
