/// What a policy may say of a method, which is an aggregation rule or a server optimizer.
public struct MethodDefinition: Sendable, Hashable {
    /// The name in policies: lower-case letters, digits and `_`, at most 48.
    public let name: String
    /// What it does, for help texts.
    public let summary: String
    /// The numbers it takes.
    public let parameters: [Parameter]

    public init(_ name: String, _ summary: String, _ parameters: [Parameter] = []) {
        self.name = name
        self.summary = summary
        self.parameters = parameters
    }
}
