public import Logging
import PostgreSQL
public import RPC
public import Registry
public import ServiceLifecycle

/// The registry behind its RPC: the services over one catalogue, to be run by a service group or called in process.
public struct RegistryServer: Service {
    /// The transport; `RPCServer.start()` binds it.
    public let rpc: RPCServer
    /// What the server composes from: for whoever asks in the same process, without a message.
    public let catalogue: Catalogue
    private let recorder: CompositionRecorder
    private let logger: Logger
    private let registry: Registry

    /// Loads the catalogue and makes the server; nothing is bound before ``run()`` or `rpc.start()`.
    ///
    /// Who only calls it in process, through an `InProcessCaller` of ``rpc``, runs ``maintain()`` beside and binds nothing.
    ///
    /// - Throws: `RegistryError` when the catalogue cannot be read, `RPCError` for limits that cannot work.
    public init(
        registry: Registry, configuration: RPCServerConfiguration = RPCServerConfiguration(),
        authentication: AuthenticationMode = .none, limits: RegistryServiceLimits = RegistryServiceLimits(),
        logger: Logger = Logger(label: "eclm.registry")
    ) async throws {
        var registry = registry
        registry.notifier = registry.notifier ?? ChangeNotifier(pool: registry.pool, logger: logger)
        let catalogue = try await Catalogue.load(registry: registry, logger: logger)
        let recorder = CompositionRecorder(pool: registry.pool, logger: logger)
        let context = ServiceContext(
            registry: registry, catalogue: catalogue,
            segments: BlobSegmentCache(blobs: registry.blobs, capacity: limits.blobCacheBytes),
            devices: DeviceDirectory(registry: registry), recorder: recorder, limits: limits)
        let gauge = InFlightGauge()
        rpc = try RPCServer(
            configuration: configuration,
            services: [
                ModelService(context), VersionService(context), ReleaseService(context), ChannelService(context),
                CompositionService(context), BlobService(context), DeviceService(context), UpdateService(context),
                HealthService(context, inFlight: { gauge.value }),
            ],
            authenticator: RegistryAuthenticator(mode: authentication, registry: registry), logger: logger)
        gauge.attach(rpc)
        self.catalogue = catalogue
        self.recorder = recorder
        self.logger = logger
        self.registry = registry
    }

    /// Serves until graceful shutdown: then no call is taken any more, those in flight end, and what waits is written.
    public func run() async throws {
        // Unstructured, so that it goes on while calls in flight end.
        let background = Task { await maintain() }
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await rpc.run())
        } catch {
            outcome = .failure(error)
        }
        background.cancel()
        await background.value
        await recorder.flush()
        await registry.notifier?.flush()
        try outcome.get()
    }

    /// Keeps the catalogue fresh, records compositions, seals the audit and sweeps old uploads, until the task is cancelled.
    public func maintain() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await catalogue.run() }
            group.addTask { await recorder.run() }
            group.addTask { await sealAudit() }
            group.addTask { await sweep() }
        }
    }

    /// Puts into the audit's chain what commits had to leave waiting.
    private func sealAudit() async {
        var isFailing = false
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(1))
            guard !Task.isCancelled else { return }
            do {
                try await registry.sealAudit()
                isFailing = false
            } catch {
                if !isFailing { logger.warning("the audit could not be sealed", metadata: ["error": "\(error)"]) }
                isFailing = true
            }
        }
    }

    private func sweep() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(3600))
            guard !Task.isCancelled else { return }
            do {
                let swept = try await registry.blobs.sweepUploads()
                if swept > 0 {
                    logger.info("swept uploads that nobody went on with", metadata: ["uploads": "\(swept)"])
                }
                try await registry.sealAudit(everything: true)
            } catch {
                logger.warning("the hourly upkeep failed", metadata: ["error": "\(error)"])
            }
        }
    }
}
