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
