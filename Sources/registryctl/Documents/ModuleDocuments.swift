import CommandSupport
import ECLMCore
import Registry
import RegistryPrograms

// What --output json prints of models, modules and versions.

struct ModelDocument: Encodable {
    var model: String
    var summary: String
    var layers: [LayerRecord]
    var modules: Int
    var newestRelease: Int?
    var channels: [ChannelPointer]
    var createdAt: Timestamp
    var createdBy: String

    init(_ record: ModelRecord) {
        model = record.name
        summary = record.summary
        layers = record.layers
        modules = record.modules
        newestRelease = record.newestRelease
        channels = record.channels
        createdAt = Timestamp(record.createdAt)
        createdBy = record.createdBy
    }

    var channelText: String { channels.map { "\($0.channel)=\($0.release)" }.joined(separator: " ") }
}

struct RequirementsDocument: Encodable {
    var dtypes: [String]
    var operators: [String]
    var minimumRuntime: String

    init(_ requirements: Requirements) {
        dtypes = requirements.dtypes.map(\.rawValue).sorted()
        operators = requirements.operators.sorted()
        minimumRuntime = requirements.minimumRuntime.description
    }
}

/// A module version; `importance` where a release gives it, `tensors` where the command shows one version.
struct VersionDocument: Encodable {
    var model: String
    var module: String
    var kind: String
    var layer: Int?
    var index: Int
    var version: Int
    var digest: Digest
    var dtype: String
    var bytes: Int64
    var parameters: Int64
    var flops: Int64
    var peakMemory: Int64
    var importance: Double?
    var requirements: RequirementsDocument
    var tensors: [TensorDescription]?
    var parents: [EdgeDocument]?
    var origin: VersionOrigin
    var round: Int?
    var withdrawn: Bool
    var createdAt: Timestamp
    var createdBy: String

    init(_ record: ModuleVersionRecord, importance: Double? = nil, isWhole: Bool = false) {
        model = record.model
        module = record.module
        kind = record.slot.kind.rawValue
        layer = record.slot.layer
        index = record.slot.index
        version = record.version
        digest = record.digest
        dtype = record.dtype
        bytes = record.costs.bytes
        parameters = record.costs.parameters
        flops = record.costs.flops
        peakMemory = record.costs.peakMemory
        self.importance = importance
        requirements = RequirementsDocument(record.requirements)
        tensors = isWhole ? record.tensors : nil
        origin = record.origin
        round = record.round
        withdrawn = record.withdrawn
        createdAt = Timestamp(record.createdAt)
        createdBy = record.createdBy
    }

    var originText: String { round.map { "round \($0)" } ?? origin.rawValue }
    var stateText: String { withdrawn ? "withdrawn" : "in service" }
}

/// An edge of the lineage.
struct EdgeDocument: Encodable {
    var version: Int
    var parentKind: String
    var parentVersion: Int?
    var update: Int64?
    var device: String?
    var weight: Double
    var round: Int?

    init(_ edge: LineageEdge) {
        version = edge.version
        weight = edge.weight
        round = edge.round
        switch edge.parent {
        case .version(let number):
            parentKind = "version"
            parentVersion = number
        case .update(let id, let device):
            parentKind = "update"
            update = id.rawValue
            self.device = device
        }
    }

    var parentText: String {
        parentVersion.map { "version \($0)" } ?? "update \(update ?? 0) of \(device ?? "")"
    }
}
