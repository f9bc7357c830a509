public import ArgumentParser
public import ECLMCore

extension ByteSize: ExpressibleByArgument {
    /// A size with its unit, such as `256MiB`.
    public init?(argument: String) { self.init(argument) }
}

extension OperationCount: ExpressibleByArgument {
    /// A count with its unit, such as `1.2G`.
    public init?(argument: String) { self.init(argument) }
}
