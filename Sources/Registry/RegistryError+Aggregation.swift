public import Aggregation

extension RegistryError {
    /// A failure of an aggregation as the registry tells it.
    init(_ error: AggregationError) {
        let code: Code =
            switch error.code {
            case .unfitVersion, .damagedBytes: .dataLoss
            case .unknownMethod, .invalidPolicy, .invalidWeights, .invalidLineage: .invalidArgument
            default: .internal
            }
        self.init(code, error.message, cause: error)
    }
}

extension RegistryError: StoredBytesError {
    /// Whether the stored bytes are missing or wrong.
    public var isDamage: Bool { [.dataLoss, .notFound, .invalidArgument].contains(code) }
}
