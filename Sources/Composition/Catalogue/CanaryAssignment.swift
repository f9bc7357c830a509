import ECLMCore

/// Which devices a canary gives its candidate to.
public struct CanaryAssignment: Sendable, Hashable {
    /// 16 random bytes of the canary, so that it is not always the same devices that take the risk.
    public var salt: [UInt8]
    /// The share of the devices.
    public var share: Double

    public init(salt: [UInt8], share: Double) {
        self.salt = salt
        self.share = share
    }

    /// Whether a device gets the candidate: the same answer at all times and places; `eclm.in_canary` says it in SQL.
    public func includes(_ device: String) -> Bool {
        let digest = Digest.of(salt + Array(device.utf8)).bytes
        let number = digest.prefix(6).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return Double(number) / 0x1p48 < share
    }
}
