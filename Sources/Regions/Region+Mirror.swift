import ECLMCore
import EdgeClient
import Logging
import NIOCore
import Registry
import RegistryProtocol

extension Region {
    /// Mirrors the release that the parent's channel points to, of every model of the policy that has the channel there.
    ///
    /// - Throws: `EdgeError` where the parent does not answer, `RegistryError` where this registry refuses.
    public func follow() async throws {
        for model in try await models() {
            var request = Wire.GetModelRequest()
            request.model = model
            let found = try await parent.call(ModelServiceAPI.getModel, request)
            // The channel itself, not what a device in the share of a canary gets.
            guard let head = found.channels.first(where: { $0.channel == policy.channel })?.release else { continue }
            try await follow(found, to: Int(head))
        }
    }

    private func models() async throws -> [String] {
        guard policy.models.isEmpty else { return policy.models.sorted() }
        var names: [String] = []
        var request = Wire.ListModelsRequest()
        repeat {
            let page = try await parent.call(ModelServiceAPI.listModels, request)
            names += page.models.map(\.name)
            var next = Wire.Page()
            next.pageToken = page.nextPageToken
            request.page = next
        } while request.page?.pageToken.isEmpty == false && names.count < 10_000
        return names
    }

    private func follow(_ model: Wire.Model, to head: Int) async throws {
        let known = try await registry.mirror(ofParentRelease: head, of: model.name)
        if let known, known.channels.contains(policy.channel) { return }
        let release = try await parentRelease(head, of: model.name)
        let manifest = ModelManifest(
            model: model.name, summary: model.summary,
            layers: model.layers.sorted { $0.layer < $1.layer }.map { .init(name: $0.name, block: $0.block) },
            modules: try release.modules.map { module in
                guard let version = module.version, let slot = version.slot else {
                    throw RegistryError(
                        .invalidArgument, "\(parentName) tells of a module without a version or a place")
                }
                return ModelManifest.Module(
                    slot: try slot.core(), name: version.module, digest: try Digest(bytes: version.digest), tensors: [],
                    costs: version.costs?.core ?? ModuleCosts(bytes: 0, parameters: 0, flops: 0, peakMemory: 0),
                    requirements: try version.requirements?.core() ?? Requirements(), importance: module.importance)
            })
        let stored = try await registry.blobs.stat(Array(Set(manifest.modules.map(\.digest))))
        for module in manifest.modules where stored[module.digest] == nil {
            try await fetch(module.digest, size: module.costs.bytes)
        }
        let reason = "release \(head) of \(parentName)"
        let mirror = try await registry.mirror(
            ParentRelease(parent: parentName, number: head, manifest: manifest), channel: policy.channel,
            as: provenance(reason))
        logger.info(
            "release mirrored",
            metadata: ["model": "\(model.name)", "parent_release": "\(head)", "release": "\(mirror.number)"])
        try await withdraw(of: model.name, manifest, for: mirror.releaseID, reason)
    }

    private func parentRelease(_ number: Int, of model: String) async throws -> Wire.GetReleaseResponse {
        var request = Wire.GetReleaseRequest()
        request.model = model
        var selector = Wire.ReleaseSelector()
        selector.number = Int32(clamping: number)
        request.release = selector
        return try await parent.call(ReleaseServiceAPI.getRelease, request)
    }

    /// The parent's versions of a release, by module.
    func parentVersions(_ number: Int, of model: String) async throws -> [String: Wire.ModuleVersion] {
        let versions = try await parentRelease(number, of: model).modules.compactMap(\.version)
        return Dictionary(versions.map { ($0.module, $0) }, uniquingKeysWith: { first, _ in first })
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
        var request = Wire.ListReleasesRequest()
        request.model = model
        var withdrawn: [Int] = []
        var hasRollback = false
        repeat {
            let page = try await parent.call(ReleaseServiceAPI.listReleases, request)
            withdrawn += page.releases.filter(\.withdrawn).map { Int($0.number) }
            hasRollback = hasRollback || page.releases.contains { $0.origin == "rollback" }
            var next = Wire.Page()
            next.pageToken = page.nextPageToken
            request.page = next
        } while request.page?.pageToken.isEmpty == false
        guard hasRollback || !withdrawn.isEmpty else { return }
        var versions: [String: Set<Digest>] = [:]
        for module in manifest.modules {
            var request = Wire.ListVersionsRequest()
            request.model = model
            request.module = module.name
            var serving: Set<Digest> = []
            repeat {
                let page = try await parent.call(VersionServiceAPI.listVersions, request)
                for version in page.versions {
                    let digest = try Digest(bytes: version.digest)
                    if version.withdrawn {
                        versions[module.name, default: []].insert(digest)
                    } else {
                        serving.insert(digest)
                    }
                }
                var next = Wire.Page()
                next.pageToken = page.nextPageToken
                request.page = next
            } while request.page?.pageToken.isEmpty == false
            versions[module.name]?.subtract(serving)
        }
        try await registry.withdrawMirrors(
            of: model, releases: withdrawn, versions: versions, for: mirror,
            as: provenance("\(reason): withdrawn there"))
    }
}
