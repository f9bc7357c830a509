public import ECLMCore
internal import RegistryProtocol

/// What the registry made of an update.
public struct UpdateReceipt: Hashable, Sendable {
    public var updateID: UpdateID
    /// Whether the registry had it already, under the same key and with the same content.
    public var isReplay: Bool
    /// Whether the registry had the same trained weights in other bytes, such as another encoding. What it had counts.
    public var isEncodedOtherwise: Bool
    /// Where it stands.
    public var status: UpdateStatus
    /// Bytes of attached weights that the registry did not have before.
    public var storedBytes: Int64

    init(_ answer: Wire.SubmitResponse) throws(MappingError) {
        updateID = UpdateID(answer.updateId)
        isReplay = answer.replayed
        isEncodedOtherwise = answer.encodedOtherwise ?? false
        storedBytes = answer.storedBytes ?? 0
        status = try UpdateStatus(number: answer.updateStatus, text: answer.status)
    }
}
