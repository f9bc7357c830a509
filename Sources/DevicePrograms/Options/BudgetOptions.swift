public import ArgumentParser
import CommandSupport
public import ECLMCore

/// What a device may spend on a sub-model.
public struct BudgetOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("Spend at most this much peak memory, such as 12MiB.", valueName: "size"))
    public var memory: ByteSize?

    @Option(
        name: .long,
        help: ArgumentHelp("Spend at most this many operations a sample, such as 1.5GFLOPs.", valueName: "count"))
    public var flops: OperationCount?

    @Option(
        name: .long,
        help: ArgumentHelp("Fetch at most this much, such as 4MiB. Held modules cost nothing.", valueName: "size"))
    public var fetchBytes: ByteSize?

    public init() {}

    public var budget: Budget {
        Budget(memory: memory?.bytes, flops: flops?.operations, fetchBytes: fetchBytes?.bytes)
    }
}
