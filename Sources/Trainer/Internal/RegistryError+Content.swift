import Aggregation
import PostgreSQL
import Registry

extension RegistryError {
    /// Whether the same updates would fail in the same way again, so that one of them must leave the queue.
    ///
    /// False for everything that another round, another moment or another configuration may mend: quarantining updates
    /// for a fault of the registry would empty the queue for nothing.
    var isFaultOfContent: Bool {
        if cause is TrainerError { return false }
        if let cause = cause as? AggregationError, cause.isOfRegistry { return false }
        switch code {
        case .invalidArgument, .alreadyExists, .internal, .dataLoss, .notFound: return true
        case .failedPrecondition:
            guard let cause = cause as? PostgresError else { return false }
            return cause.code == .foreignKeyViolation || cause.sqlState?.hasPrefix("EC") == true
        default: return false
        }
    }
}

extension AggregationError {
    /// Whether a stored version or the policy is at fault, and no update.
    fileprivate var isOfRegistry: Bool { [.unfitVersion, .unknownMethod, .invalidPolicy].contains(code) }
}
