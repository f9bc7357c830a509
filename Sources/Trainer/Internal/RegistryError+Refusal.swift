import PostgreSQL
import Registry

extension RegistryError {
    /// Whether the database itself refused what a round was about to write: a value, a constraint or a check.
    ///
    /// That alone says nothing of whose fault it is; see ``Trainer/culprit(among:of:_:)``. Everything else that a round
    /// throws is the registry's own trouble: bytes that are missing or changed, a full disk, a time-out, a lost connection.
    /// What is wrong in an update is no error but a reason that the checks return.
    var isRefusalOfDatabase: Bool {
        guard let cause = cause as? PostgresError, let state = cause.sqlState else { return false }
        // Data exceptions, violated constraints, what a trigger raises, and the schema's own checks.
        return state.hasPrefix("22") || state.hasPrefix("23") || state.hasPrefix("EC") || state == "P0001"
    }
}
