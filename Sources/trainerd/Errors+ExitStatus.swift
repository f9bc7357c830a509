import CommandSupport
import Registry
import Trainer

extension TrainerError: ExitStatusConvertible {
    /// How the command ends.
    public var exitStatus: ExitStatus {
        switch code {
        case .invalidPolicy: .usage
        case .notFound: .notFound
        case .permissionDenied, .conflict: .refused
        case .unavailable, .cancelled: .unavailable
        case .registryUnfit: (cause as? RegistryError)?.code == .dataLoss ? .verificationFailed : .refused
        default: .failure
        }
    }
    /// What happened, for people.
    public var failureMessage: String { message }
}
