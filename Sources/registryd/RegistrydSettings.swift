import CommandSupport
import DaemonSettings
import ECLMCore
import Foundation
import Monitoring
import PostgreSQL
import RPC
import RegistryProtocol
import RegistryService

/// What registryd runs with, after all layers of settings.
struct RegistrydSettings {
    static let names: Set<String> = [
        "listen", "auth", "tokens-file", "pool-size", "max-connections", "max-in-flight", "blob-cache",
        "statement-timeout", "drain-timeout", "metrics",
    ]

    var database: PostgresConfiguration
    var blobDirectory: String?
    var rpc: RPCServerConfiguration
    var authentication: AuthenticationMode
    var limits = RegistryServiceLimits()
    var monitoring: Monitoring?

    init(_ flags: RegistrydFlags) async throws {
        let layers = try await DaemonConfiguration(section: "registryd", file: flags.config, settings: Self.names)
        database = try layers.database(flags.database, applicationName: "registryd")
        database.maximumConnections = try layers.integer("pool-size", flag: flags.poolSize, in: 1...1000, default: 8)
        blobDirectory = layers.blobDirectory(flag: flags.blobDirectory)
        monitoring = try Monitoring(setting: layers.string("metrics", flag: flags.metrics))
        database.statementTimeout = try layers.seconds("statement-timeout", flag: flags.statementTimeout, default: 60)

        rpc = RPCServerConfiguration(
            endpoint: try Self.endpoint(layers.string("listen", flag: flags.listen) ?? "127.0.0.1:7420"))
        rpc.maximumConnections = try layers.integer(
            "max-connections", flag: flags.maxConnections, in: 1...1_000_000, default: rpc.maximumConnections)
        rpc.maximumInFlight = try layers.integer(
            "max-in-flight", flag: flags.maxInFlight, in: 1...1_000_000, default: rpc.maximumInFlight)
        rpc.drainTimeout = try layers.seconds("drain-timeout", flag: flags.drainTimeout, default: 20)
        limits.blobCacheBytes = Int(
            try layers.size("blob-cache", flag: flags.blobCache, default: ByteSize(limits.blobCacheBytes)).bytes)

        let auth = layers.string("auth", flag: flags.auth) ?? "none"
        let tokensFile = layers.string("tokens-file", flag: flags.tokensFile)
        switch auth {
        case "none":
            guard tokensFile == nil else {
                throw ConfigurationError("a tokens file is given, but auth is none; set auth to tokens")
            }
            authentication = .none
        case "tokens": authentication = .tokens(try tokensFile.map(Self.tokens) ?? [])
        default: throw ConfigurationError("auth is \(auth.debugDescription); it must be none or tokens")
        }
    }

    private static func endpoint(_ text: String) throws -> RPCEndpoint {
        if text.hasPrefix("/") || text.hasPrefix(".") { return .unix(path: text) }
        guard let endpoint = RPCEndpoint(text.hasPrefix(":") ? "0.0.0.0\(text)" : text) else {
            throw ConfigurationError(
                "listen is \(text.debugDescription); write HOST:PORT, [IPV6]:PORT or the path of a socket, /… or unix:…"
            )
        }
        return endpoint
    }

    private struct TokenEntry: Decodable {
        var name: String
        var secret: String
        var roles: [String]
    }

    private static func tokens(_ path: String) throws -> [AccessToken] {
        let entries: [TokenEntry]
        do {
            let bytes = try Data(contentsOf: URL(filePath: path))
            entries = try JSONReader().decode(of: "the tokens file", from: bytes)
        } catch {
            throw ConfigurationError(
                "the tokens file \(path) cannot be read: it must be [{\"name\": …, \"secret\": …, \"roles\": […]}] "
                    + "(\(error.explanation))")
        }
        return try entries.map { entry in
            guard entry.secret.utf8.count >= 16, !entry.secret.contains(" ") else {
                throw ConfigurationError(
                    "the secret of \(entry.name) in \(path) is too short or has spaces: use 16 bytes or more")
            }
            if let refusal = NameRule.actor.refusal(of: entry.name) {
                throw ConfigurationError("\(refusal); see \(path)")
            }
            guard entry.name.utf8.count <= 128, !entry.name.hasPrefix("device:") else {
                throw ConfigurationError(
                    "\(entry.name.debugDescription) in \(path) is no token's name: use at most 128 bytes, not beginning with "
                        + "'device:', which is how devices are named")
            }
            let roles = try entry.roles.map { name in
                guard let role = Role(rawValue: name) else {
                    throw ConfigurationError(
                        "role \(name.debugDescription) of \(entry.name) in \(path) is not one of "
                            + Role.allCases.map(\.rawValue).joined(separator: ", "))
                }
                return role
            }
            return AccessToken(name: entry.name, secret: entry.secret, roles: Set(roles))
        }
    }
}
