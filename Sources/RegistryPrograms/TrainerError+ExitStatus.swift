public import ECLMCore
public import CommandSupport
import Registry
public import Trainer

extension TrainerError: ExitStatusConvertible {
    /// How a program that meets the error ends.
    public var exitStatus: ExitStatus {
        switch code {
        case .notFound: .notFound
        case .invalidPolicy, .invalidWeights, .permissionDenied: .refused
        case .unavailable, .cancelled, .conflict: .unavailable
        case .registryUnfit: (cause as? RegistryError)?.code == .dataLoss ? .verificationFailed : .refused
        default: (cause as? RegistryError)?.exitStatus ?? .failure
        }
    }
    /// The kind of failure for programs.
    public var failureCode: String { code.description.replacing(" ", with: "_") }
    /// What went wrong.
    public var failureMessage: String { message }
}
