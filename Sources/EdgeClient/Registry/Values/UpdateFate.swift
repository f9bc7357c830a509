public import ECLMCore
internal import RegistryProtocol

/// An update, and what became of it.
public struct UpdateFate: Hashable, Sendable {
    public var id: UpdateID
    /// The device that submitted it.
    public var deviceID: String
    /// The model's name.
    public var model: String
    /// The number of the release that the device trained.
    public var baseRelease: Int32
    /// The device's key for it.
    public var idempotencyKey: String
    /// Samples trained on.
    public var sampleCount: Int64
    /// How many modules it brings.
    public var modules: Int32
    /// Where it stands.
    public var status: UpdateStatus
    /// Why it was quarantined.
    public var quarantineReason: String?
    /// The number of the round that counted it.
    public var round: Int32?
    /// The number of the release which that round made.
    public var release: Int32?
    /// When it was submitted, in microseconds since 1970-01-01 UTC.
    public var submittedAtMicroseconds: Int64
    /// When its fate was decided, in microseconds since 1970-01-01 UTC.
    public var decidedAtMicroseconds: Int64?

    init(_ update: Wire.Update) throws(MappingError) {
        id = UpdateID(update.updateId)
        deviceID = update.deviceId
        model = update.model
        baseRelease = update.baseRelease
        idempotencyKey = update.idempotencyKey
        sampleCount = update.sampleCount
        modules = update.modules
        status = try UpdateStatus(number: update.updateStatus, text: update.status)
        quarantineReason = update.quarantineReason.isEmpty ? nil : update.quarantineReason
        round = update.round
        release = update.release
        submittedAtMicroseconds = update.submittedAtUs
        decidedAtMicroseconds = update.decidedAtUs
    }
}
