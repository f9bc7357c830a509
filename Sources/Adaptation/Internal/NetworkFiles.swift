import ECLMCore
import EdgeClient
import Learning

/// Modules as files on the disk, and the network they make. The network's specification is in the selector's metadata.
struct NetworkFiles: Sendable {
    var modules: [ModuleSlot: String]

    func specification() throws -> NetworkSpecification {
        let file = try file(.selector)
        guard let text = file.header.metadata[ExactText(NetworkSpecification.metadataKey)] else {
            throw EdgeError(
                .invalidState,
                "the selector does not say what network it belongs to, so this device cannot train it; publish the model with "
                    + "eclm prototype")
        }
        return try NetworkSpecification.parse(text.utf8)
    }

    func selector() throws -> Selector {
        try Selector(specification(), tensors: tensors(.selector))
    }

    func network() throws -> ModularNetwork {
        let specification = try specification()
        let present = specification.layers.indices.map { layer in
            modules.keys.filter { $0.layer == layer }.map(\.index).sorted()
        }
        return try ModularNetwork(specification, modules: present, gating: .selector) { try tensors($0) }
    }

    func tensors(_ slot: ModuleSlot) throws -> ModuleTensors {
        try ModuleTensors(file(slot))
    }

    /// A module with other weights, as the file there is written: an update must have its version's dtype.
    func bytes(_ slot: ModuleSlot, with tensors: ModuleTensors) throws -> [UInt8] {
        let header = try file(slot).header
        return try tensors.safetensors(metadata: header.metadata, dtype: header.tensors.first?.dtype ?? .f32)
    }

    private func file(_ slot: ModuleSlot) throws -> SafetensorsFile {
        guard let path = modules[slot] else {
            throw EdgeError(.invalidState, "the sub-model has no \(slot.defaultName); pull it again")
        }
        do throws(SafetensorsError) {
            return try SafetensorsFile(path: path, limits: .module)
        } catch {
            throw EdgeError(.invalidState, "\(path) is no module's weights: \(error.message)", cause: error)
        }
    }
}
