import ArgumentParser

/// Why a change is made that must not go without a reason.
struct ReasonOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("Why; recorded for good.", valueName: "text"))
    var reason: String

    func validate() throws {
        guard !reason.allSatisfy(\.isWhitespace) else { throw ValidationError("--reason is empty; say why") }
    }
}
