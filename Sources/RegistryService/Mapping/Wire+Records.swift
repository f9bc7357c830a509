import ECLMCore
import Registry
import RegistryProtocol

extension Wire.Model {
    init(_ record: ModelRecord) {
        self.init()
        name = record.name
        summary = record.summary
        createdAtUs = record.createdAt.microseconds
        createdBy = record.createdBy
        modules = Int32(record.modules)
        newestRelease = Int32(record.newestRelease ?? 0)
        layers = record.layers.map(Wire.ModuleLayer.init)
        channels = record.channels.map(Wire.ChannelPointer.init)
    }
}

extension Wire.ModuleLayer {
    init(_ record: LayerRecord) {
        self.init()
        layer = Int32(record.layer)
        name = record.name
        block = record.block
        modules = Int32(record.modules)
    }
}

extension Wire.ChannelPointer {
    init(_ pointer: ChannelPointer) {
        self.init()
        channel = pointer.channel
        release = Int32(pointer.release)
    }
}

extension Wire.ModuleVersion {
    init(_ record: ModuleVersionRecord) {
        self.init()
        moduleVersionId = record.moduleVersionID.rawValue
        model = record.model
        module = record.module
        slot = Wire.ModuleSlot(record.slot)
        version = Int32(record.version)
        digest = record.digest.bytes
        dtype = record.dtype
        tensors = record.tensors.map(Wire.Tensor.init)
        costs = Wire.ModuleCosts(record.costs)
        requirements = Wire.Requirements(record.requirements)
        (origin, versionOrigin) = (record.origin.rawValue, record.origin.number)
        round = record.round.map(Int32.init)
        createdAtUs = record.createdAt.microseconds
        createdBy = record.createdBy
        withdrawn = record.withdrawn
    }
}

extension Wire.ReleasedModule {
    init(_ module: ReleasedModule) {
        self.init()
        version = Wire.ModuleVersion(module.version)
        importance = module.importance
    }
}

extension Wire.LineageEdge {
    init(_ edge: LineageEdge) {
        self.init()
        version = Int32(edge.version)
        weight = edge.weight
        round = edge.round.map(Int32.init)
        switch edge.parent {
        case .version(let number): parentVersion = Int32(number)
        case .update(let id, let device):
            updateId = id.rawValue
            deviceId = device
        }
    }
}

extension Wire.Release {
    init(_ record: ReleaseRecord) {
        self.init()
        model = record.model
        number = Int32(record.number)
        parent = record.parent.map(Int32.init)
        (origin, releaseOrigin) = (record.origin.rawValue, record.origin.number)
        round = record.round.map(Int32.init)
        reason = record.reason
        createdAtUs = record.createdAt.microseconds
        createdBy = record.createdBy
        withdrawn = record.withdrawn
        channels = record.channels
    }
}

extension Wire.ChannelMove {
    init(_ move: ChannelMove) {
        self.init()
        revision = Int32(move.revision)
        fromRelease = move.fromRelease.map(Int32.init)
        toRelease = Int32(move.toRelease)
        (action, channelAction) = (move.action.rawValue, move.action.number)
        reason = move.reason
        movedBy = move.movedBy
        movedAtUs = move.movedAt.microseconds
    }
}

extension Wire.ModuleChange {
    init(_ change: ModuleChange) {
        self.init()
        module = change.module
        fromVersion = Int32(change.fromVersion)
        toVersion = Int32(change.toVersion)
    }
}

extension Wire.DeviceClass {
    init(_ record: DeviceClassRecord) {
        self.init()
        name = record.name
        traits = Wire.DeviceTraits(record.traits)
    }
}

extension Wire.Device {
    init(_ record: DeviceRecord) {
        self.init()
        deviceId = record.deviceID
        deviceClass = record.deviceClass
        attributes = Wire.Attribute.list(record.attributes)
        registeredAtUs = record.registeredAt.microseconds
    }
}

extension Wire.Update {
    init(_ record: UpdateRecord) {
        self.init()
        updateId = record.updateID.rawValue
        deviceId = record.deviceID
        model = record.model
        baseRelease = Int32(record.baseRelease)
        idempotencyKey = record.idempotencyKey
        sampleCount = record.sampleCount
        (status, updateStatus) = (record.status.rawValue, record.status.number)
        quarantineReason = record.quarantineReason ?? ""
        round = record.round.map(Int32.init)
        release = record.release.map(Int32.init)
        submittedAtUs = record.submittedAt.microseconds
        decidedAtUs = record.decidedAt?.microseconds
        modules = Int32(record.modules)
    }
}
