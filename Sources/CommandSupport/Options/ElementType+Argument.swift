public import ArgumentParser
public import ECLMCore

extension ElementType: ExpressibleByArgument {
    /// A type by its safetensors name, in either case.
    public init?(argument: String) { self.init(rawValue: argument.uppercased()) }
}
