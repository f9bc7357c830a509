import Composition
import ECLMCore
import Foundation
import Logging
import NIOCore
import RPC
import Registry
import RegistryProtocol

/// What the services share.
struct ServiceContext: Sendable {
    let registry: Registry
    let catalogue: Catalogue
    let segments: BlobSegmentCache
    let devices: DeviceDirectory
    let recorder: CompositionRecorder
    let limits: RegistryServiceLimits

    /// Who a change is recorded for.
    func provenance(_ context: RPCContext, reason: String = "") -> Provenance {
        Provenance(actor: "\(context.principal.name)@\(context.peer)", reason: reason)
    }

    /// The device that a call is for: the one that it names and may act for, else the caller itself.
    func device(_ named: String?, _ call: RPCContext) throws(RPCError) -> String? {
        if let named { try call.principal.checkMayAct(as: named) }
        return named ?? call.principal.deviceID
    }

    /// What a selector means for a device: in the share of a canary, the number of the candidate.
    func selector(
        _ selector: ReleaseSelector, of model: String, for device: String?
    ) -> ReleaseSelector {
        // What the catalogue does not know yet, the registry tells.
        guard case .channel(let channel) = selector, let device,
            let canary = catalogue.snapshot.models[model]?.canaries[channel], canary.gives(to: device)
        else { return selector }
        return .number(canary.candidate.number)
    }
}

/// Limits of the services beyond those of the transport.
public struct RegistryServiceLimits: Sendable {
    /// Memory for blobs that devices fetch, in bytes.
    public var blobCacheBytes = 256 * 1024 * 1024
    /// The longest that one composition may search.
    public var maximumSearch: Duration = .seconds(2)
    /// The search's limit when the device names none.
    public var defaultSearch: Duration = .milliseconds(250)
    /// Digests one call may name.
    public var maximumDigests = 65_536
    /// The longest that a watch waits before it answers that nothing changed.
    public var maximumWatch: Duration = .seconds(240)

    /// The default limits.
    public init() {}
}

extension PageRequest {
    init(_ page: Wire.Page?) throws(RegistryError) {
        try self.init(size: Int(page?.pageSize ?? 0), token: page?.pageToken ?? "")
    }
}

extension ReleaseSelector {
    init(_ selector: Wire.ReleaseSelector?) {
        if let number = selector?.number {
            self = .number(Int(number))
        } else if let channel = selector?.channel {
            self = .channel(channel)
        } else {
            self = .standard
        }
    }
}

extension Date {
    /// Microseconds since 1970, as times travel.
    var microseconds: Int64 { Int64((timeIntervalSince1970 * 1_000_000).rounded()) }
}
