/// The database logins a test can take: one for each group role of the schema, a region's trainer, and the superuser that owns
/// everything.
public enum TestRole: String, Sendable, CaseIterable {
    /// The owner of the schema, who may also disable triggers.
    case superuser
    /// A login with `eclm_reader`.
    case reader
    /// A login with `eclm_device`.
    case device
    /// A login with `eclm_publisher`.
    case publisher
    /// A login with `eclm_trainer`.
    case trainer
    /// A login with `eclm_operator`.
    case `operator`
    /// A login with `eclm_publisher`, `eclm_operator` and `eclm_trainer`: the trainer of a region.
    case region

    /// The group roles of the schema; none for the superuser.
    var groupRoles: [String] {
        switch self {
        case .superuser: []
        case .region: ["eclm_publisher", "eclm_operator", "eclm_trainer"]
        default: ["eclm_\(rawValue)"]
        }
    }

    /// The login; `nil` for the superuser, who is whoever the cluster's environment names.
    var login: String? { self == .superuser ? nil : "eclm_test_\(rawValue)" }
}
