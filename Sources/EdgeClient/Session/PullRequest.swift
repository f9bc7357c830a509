public import ECLMCore
internal import RegistryProtocol

/// What a device asks of a composition.
public struct PullRequest: Hashable, Sendable {
    public var model: String
    /// The release to compose from.
    public var source: ReleaseSource
    /// What the device may spend; missing figures are its class's.
    public var budget: Budget
    /// The importances of each layer's modules, in index order; empty for the release's defaults.
    public var importances: [[Double]]
    /// A class to compose for instead of the registered device's; for trying out.
    public var deviceClass: String?
    /// The least number of modules in every layer.
    public var minimumPerLayer: Int32
    /// Whether to tell what was left out, and why.
    public var explains: Bool
    /// Whether modules that the device holds count in the budget of bytes, too: it then limits the sub-model's size.
    public var countsHeld: Bool

    public init(
        model: String, source: ReleaseSource = .channel("stable"), budget: Budget = .init(),
        importances: [[Double]] = [],
        deviceClass: String? = nil, minimumPerLayer: Int32 = 1, explains: Bool = false, countsHeld: Bool = false
    ) {
        self.model = model
        self.source = source
        self.budget = budget
        self.importances = importances
        self.deviceClass = deviceClass
        self.minimumPerLayer = minimumPerLayer
        self.explains = explains
        self.countsHeld = countsHeld
    }

    /// The request on the wire.
    ///
    /// - Throws: ``EdgeError`` with `refused` for importances that are negative or not finite.
    func message(deviceID: String?, held: [Digest]) throws(EdgeError) -> Wire.ComposeRequest {
        var request = Wire.ComposeRequest()
        request.model = model
        request.release = source.selector
        if let deviceClass { request.deviceClass = deviceClass } else { request.deviceId = deviceID }
        request.budget = Wire.Budget(budget)
        for (layer, values) in importances.enumerated() {
            if let index = values.firstIndex(where: { !$0.isFinite || $0 < 0 }) {
                throw EdgeError(
                    .refused,
                    "importance \(values[index]) of module \(index) in layer \(layer) is not a number of at least 0")
            }
            var message = Wire.LayerImportances()
            message.layer = Int32(clamping: layer)
            message.importances = values
            request.importances.append(message)
        }
        request.heldDigests = held.map(\.bytes)
        request.minimumPerLayer = minimumPerLayer
        request.explain = explains
        return request
    }
}
