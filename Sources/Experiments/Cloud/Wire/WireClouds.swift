import Foundation

/// Clouds over the wire for the runs of an experiment: one set of services in a temporary directory, a cloud a run.
public struct WireClouds: Sendable {
    private let services: WireServices
    private let directory: String

    /// Starts the services.
    ///
    /// - Throws: ``ExperimentError`` with `unavailable`.
    public static func start() async throws -> WireClouds {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("eclm-wire-\(UUID())").path
        do {
            return WireClouds(
                services: try await WireServices.start(directory: directory), directory: directory)
        } catch {
            try? FileManager.default.removeItem(atPath: directory)
            throw error
        }
    }

    /// Makes the cloud of a run.
    public var factory: ExperimentRunner.CloudFactory {
        { [services, directory] settings, _ in
            try WireCloud(settings, services: services, directory: "\(directory)/devices-\(UUID())")
        }
    }

    /// Stops the services and removes all they kept.
    public func stop() async {
        await services.stop()
        try? FileManager.default.removeItem(atPath: directory)
    }
}
