import ArgumentParser

@main
struct Eclm: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "eclm", abstract: "The offline stage and the experiments.")
}
