import ECLMCore
import EdgeClient
import Logging
import NIOCore
import Registry
import Trainer

extension Region {
    /// Mirrors the release that the parent's channel points to, of every model of the policy that has the channel there.
    ///
    /// - Throws: `EdgeError` where the parent does not answer, `RegistryError` where this registry refuses.
    public func follow() async throws {
        let names = policy.models.isEmpty ? try await parent.modelNames() : policy.models.sorted()
        for name in names {
            let model = try await parent.model(name)
            // The channel itself, not what a device in the share of a canary gets.
            guard let head = model.channels[policy.channel] else { continue }
            try await follow(model, to: head)
        }
    }

    private func follow(_ model: RegistryModel, to head: Int32) async throws {
        let known = try await registry.mirror(ofParentRelease: Int(head), of: model.name)
        if let known, known.channels.contains(policy.channel) { return }
        let modules = try await parent.modules(of: model.name, source: .release(head))
        let manifest = ModelManifest(
            model: model.name, summary: model.summary, layers: model.layers,
            modules: modules.map { module in
                let version = module.version
                return ModelManifest.Module(
                    slot: version.slot, name: version.module, digest: version.digest, tensors: [], costs: version.costs,
                    requirements: version.requirements, importance: module.importance)
            })
        let stored = try await registry.blobs.stat(Array(Set(manifest.modules.map(\.digest))))
        for module in manifest.modules where stored[module.digest] == nil {
            try await fetch(module.digest, size: module.costs.bytes)
        }
        let reason = "release \(head) of \(parentName)"
        let mirror = try await registry.mirror(
            ParentRelease(parent: parentName, number: Int(head), manifest: manifest), channel: policy.channel,
            as: provenance(reason))
        logger.info(
            "release mirrored",
            metadata: ["model": "\(model.name)", "parent_release": "\(head)", "release": "\(mirror.number)"])
        try await withdraw(of: model.name, manifest, for: mirror.releaseID, reason)
    }

    /// The parent's versions of a release, by module.
    func parentVersions(_ number: Int, of model: String) async throws -> [String: RegistryModuleVersion] {
        let modules = try await parent.modules(of: model, source: .release(Int32(clamping: number)))
        return Dictionary(modules.map { ($0.version.module, $0.version) }) { first, _ in first }
    }

    /// Brings a blob here, part by part; the whole is verified before it is visible.
    private func fetch(_ digest: Digest, size: Int64) async throws {
        let uploader = "region:\(name)"
        let upload = try await registry.blobs.beginUpload(digest: digest, size: size, uploader: uploader)
        guard !upload.exists, let id = upload.id else { return }
        var offset = upload.offset
        while offset < size {
            let part = offset..<min(size, offset + min(upload.partMaximum, upload.partMultiple * 4))
            let bytes = try await parent.bytes(of: digest, part)
            offset = try await registry.blobs.append(
                id, offset: offset, bytes: Array(bytes.readableBytesView), uploader: uploader
            ).received
        }
    }

    /// Takes out of service what the parent took out of service.
    private func withdraw(
        of model: String, _ manifest: ModelManifest, for mirror: ReleaseID, _ reason: String
    ) async throws {
        let releases = try await parent.releases(of: model)
        let withdrawn = releases.filter(\.isWithdrawn).map { Int($0.number) }
        guard !withdrawn.isEmpty || releases.contains(where: { $0.origin == .rollback }) else { return }
        var versions: [String: Set<Digest>] = [:]
        for module in manifest.modules {
            let all = try await parent.versions(of: module.name, in: model)
            let outOfService = Set(all.filter(\.isWithdrawn).map(\.digest))
            guard !outOfService.isEmpty else { continue }
            versions[module.name] = outOfService.subtracting(all.lazy.filter { !$0.isWithdrawn }.map(\.digest))
        }
        try await registry.withdrawMirrors(
            of: model, releases: withdrawn, versions: versions, for: mirror,
            as: provenance("\(reason): withdrawn there"))
    }
}
