public import ECLMCore

extension ReleaseOrigin: WireWord {
    public static var wireName: String { "release origin" }

    public var number: Wire.ReleaseOrigin {
        switch self {
        case .publish: .publish
        case .round: .round
        case .rollback: .rollback
        }
    }
}

extension VersionOrigin: WireWord {
    public static var wireName: String { "version origin" }

    public var number: Wire.VersionOrigin {
        switch self {
        case .publish: .publish
        case .round: .round
        case .rollback: .rollback
        }
    }
}

extension ChannelAction: WireWord {
    public static var wireName: String { "channel action" }

    public var number: Wire.ChannelAction {
        switch self {
        case .create: .create
        case .publish: .publish
        case .round: .round
        case .rollback: .rollback
        case .move: .move
        }
    }
}

extension UpdateStatus: WireWord {
    public static var wireName: String { "status" }

    public var number: Wire.UpdateStatus {
        switch self {
        case .pending: .pending
        case .aggregated: .aggregated
        case .quarantined: .quarantined
        }
    }
}

extension UpdateEncoding: WireWord {
    public static var wireName: String { "encoding" }

    public var number: Wire.UpdateEncoding {
        switch self {
        case .full: .full
        case .delta: .delta
        case .int8Delta: .int8Delta
        case .sparseDelta: .sparseDelta
        // The contract has no number for it: the name beside it counts.
        default: .unknown
        }
    }
}
