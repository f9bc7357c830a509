/// What commands were called before: former names go on working, and no help shows them.
public struct FormerNames: Sendable {
    /// From a former command, one or two words, to the words of today's.
    public let current: [String: String]

    /// - Parameter current: From a former command, one or two words, to the words of today's.
    public init(_ current: [String: String]) { self.current = current }

    /// A command line, without the program, with today's name in the place of a former one.
    ///
    /// A name counts only where commands are: at the beginning, or behind `help`.
    public func replaced(in arguments: [String]) -> [String] {
        if arguments.first == "help" { return ["help"] + replaced(in: Array(arguments.dropFirst())) }
        for count in [2, 1] where arguments.count >= count {
            if let name = current[arguments.prefix(count).joined(separator: " ")] {
                return name.split(separator: " ").map(String.init) + arguments.dropFirst(count)
            }
        }
        return arguments
    }
}
