public import ArgumentParser

/// What a program tells of its commands, for tests that walk all of them.
public struct CommandHelp {
    /// One command of the tree.
    public struct Command {
        /// The words behind the program's name that lead to it; none for the program itself.
        public var path: [String]
        public var type: any ParsableCommand.Type
        /// The examples in its help, word by word, each beginning with a program's name.
        public var examples: [[String]]

        /// Whether other commands stand below it; such a command does nothing itself.
        public var isGroup: Bool { !type.configuration.subcommands.isEmpty }
    }

    public let root: any ParsableCommand.Type
    /// All commands, the program itself first.
    public let commands: [Command]

    public init(_ root: any ParsableCommand.Type) {
        self.root = root
        var commands: [Command] = []
        func visit(_ type: any ParsableCommand.Type, _ path: [String]) {
            commands.append(
                Command(path: path, type: type, examples: ShellExamples(type.configuration.discussion).words))
            for child in type.configuration.subcommands { visit(child, path + [child._commandName]) }
        }
        visit(root, [])
        self.commands = commands
    }

    /// What is wrong with the help of the commands, a line each.
    ///
    /// Every command answers `--help`, and has an example. Every example parses, and one of them is of the command itself.
    /// A command that is no group takes `--output json`.
    ///
    /// - Parameter withoutOutput: Commands that print no result, by their paths: daemons.
    public func faults(withoutOutput: Set<[String]> = []) -> [String] {
        commands.flatMap { command -> [String] in
            let name = ([root._commandName] + command.path).joined(separator: " ")
            var faults = helpFaults(of: command)
            let own = command.examples.filter { $0.first == root._commandName }
            if own.isEmpty { faults.append("has no example") }
            var isShown = command.isGroup
            for example in own {
                let arguments = Array(example.dropFirst())
                guard let parsed = parse(arguments, &faults) else { continue }
                guard type(of: parsed) == command.type else { continue }
                isShown = true
                if !command.isGroup, !withoutOutput.contains(command.path) {
                    _ = parse(arguments + ["--output", "json"], &faults)
                }
            }
            if !isShown { faults.append("has no example of itself") }
            return faults.map { "\(name): \($0)" }
        }
    }

    private func helpFaults(of command: Command) -> [String] {
        do {
            var parsed = try root.parseAsRoot(command.path + ["--help"])
            // A command that hands its arguments over answers nothing itself.
            if type(of: parsed) == command.type { return [] }
            // Otherwise this is the parser's own command, which ends with the help.
            try parsed.run()
            return ["--help is not understood"]
        } catch {
            let text = root.fullMessage(for: error)
            return (root.exitCode(for: error) == .success ? [] : ["--help fails"])
                + (text.contains("USAGE:") ? [] : ["--help tells no usage"])
        }
    }

    private func parse(_ arguments: [String], _ faults: inout [String]) -> (any ParsableCommand)? {
        do {
            return try root.parseAsRoot(arguments)
        } catch  where root.exitCode(for: error) == .success {
            // A completion script, or help.
            return nil
        } catch {
            faults.append("\(arguments.joined(separator: " ")): \(root.message(for: error))")
            return nil
        }
    }
}
