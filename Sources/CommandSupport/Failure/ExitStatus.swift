/// How a command ends, as the shell sees it. The numbers are part of the commands' contract.
public struct ExitStatus: Hashable, Sendable {
    /// The number the process exits with.
    public let code: Int32
    /// The name in error documents.
    public let name: String

    private init(_ code: Int32, _ name: String) {
        (self.code, self.name) = (code, name)
    }

    /// 0: done.
    public static let ok = ExitStatus(0, "ok")
    /// 1: failed in a way no other status tells.
    public static let failure = ExitStatus(1, "failure")
    /// 3: something that was named does not exist.
    public static let notFound = ExitStatus(3, "not_found")
    /// 4: refused: invalid input, no permission, or a state that does not allow it.
    public static let refused = ExitStatus(4, "refused")
    /// 5: the registry or its database could not be reached, or did not answer in time; trying again may help.
    public static let unavailable = ExitStatus(5, "unavailable")
    /// 6: no sub-model fits the budget.
    public static let infeasible = ExitStatus(6, "infeasible")
    /// 7: bytes or audit rows are not what they should be.
    public static let verificationFailed = ExitStatus(7, "verification_failed")
    /// 64: the command line is wrong (EX_USAGE of sysexits(3), which the argument parser uses).
    public static let usage = ExitStatus(64, "usage")

    /// All statuses with their meaning, for help texts.
    public static let help = """
        Exit status: 0 done, 1 failed, 3 not found, 4 refused, 5 unavailable or timed out, 6 no sub-model fits the \
        budget, 7 verification failed, 64 wrong usage.
        """
}

/// An error that knows how a command that meets it should end.
///
/// Executables conform the errors of the layers they use; this target knows none of them.
public protocol ExitStatusConvertible: Error {
    /// How the command ends.
    var exitStatus: ExitStatus { get }
    /// The error's kind for programs, in snake_case; the status's name unless given.
    var failureCode: String { get }
    /// What happened, for people, in one sentence.
    var failureMessage: String { get }
    /// What to do next, where that is known and not in the message.
    var failureHint: String? { get }
    /// More for programs, such as the shortfalls of an infeasible composition.
    var failureDetails: (any Encodable & Sendable)? { get }
}

extension ExitStatusConvertible {
    /// The status's name.
    public var failureCode: String { exitStatus.name }
    /// Nothing to add.
    public var failureHint: String? { nil }
    /// Nothing to add.
    public var failureDetails: (any Encodable & Sendable)? { nil }
}

/// A failure that the command itself found, with its status.
public struct CommandFailure: ExitStatusConvertible, CustomStringConvertible {
    /// How the command ends.
    public var exitStatus: ExitStatus
    /// What happened, for people.
    public var failureMessage: String
    /// What to do next, where that is known.
    public var failureHint: String?
    /// More for programs.
    public var failureDetails: (any Encodable & Sendable)?

    public init(
        _ status: ExitStatus, _ message: String, hint: String? = nil, details: (any Encodable & Sendable)? = nil
    ) {
        exitStatus = status
        failureMessage = message
        failureHint = hint
        failureDetails = details
    }

    /// The value as people read it.
    public var description: String { failureMessage }
}
