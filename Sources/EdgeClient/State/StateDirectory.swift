import ECLMCore
internal import RegistryProtocol

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
/// The directory in which a device keeps who it is, the blobs it holds and which sub-models use them.
///
/// ```
/// device.json           identity and token, readable by its owner only
/// cache/                see ``BlobCache``
/// sub-models/MODEL/     where pulls write unless told otherwise
/// roots/DIGEST          one a sub-model directory: its path
/// residuals/MODEL/      what coded updates have not sent yet
/// ```
public struct StateDirectory: Sendable, Hashable {
    /// The directory's path.
    public let path: String

    /// The directory at a path, which is created when missing, closed to other users.
    ///
    /// - Throws: ``EdgeError`` when it cannot be created.
    public init(path: String) throws(EdgeError) {
        try FileSystem.createDirectory(path, mode: 0o700)
        self.path = FileSystem.absolute(path)
    }

    /// `ECLM_STATE`, else `$XDG_STATE_HOME/eclm`, else `~/.local/state/eclm`.
    public static func defaultPath(environment: [String: String]) -> String {
        if let path = environment["ECLM_STATE"], !path.isEmpty { return path }
        if let path = environment["XDG_STATE_HOME"], path.hasPrefix("/") { return path + "/eclm" }
        return (environment["HOME"] ?? ".") + "/.local/state/eclm"
    }

    var cachePath: String { path + "/cache" }
    var rootsPath: String { path + "/roots" }
    var residualsPath: String { path + "/residuals" }
    private var identityPath: String { path + "/device.json" }

    /// Where a model's sub-model is written unless told otherwise.
    public func subModelPath(model: String) -> String { "\(path)/sub-models/\(model)" }

    /// Who the device is; `nil` before it registered.
    ///
    /// - Throws: ``EdgeError`` with `invalidState` when the file is damaged.
    public func identity() throws(EdgeError) -> DeviceIdentity? {
        let bytes: [UInt8]
        do throws(EdgeError) {
            bytes = try FileSystem.contents(of: identityPath, limit: 1 << 16)
        } catch {
            if error.code == .notFound { return nil }
            throw error
        }
        do {
            return try JSONReader().decode(of: identityPath, from: bytes)
        } catch {
            throw EdgeError(
                .invalidState, "\(identityPath) is damaged; restore it, or remove it and register under another id",
                cause: error)
        }
    }

    /// Writes who the device is, readable by its owner only.
    ///
    /// - Throws: ``EdgeError`` when the operating system refuses.
    public func save(_ identity: DeviceIdentity) throws(EdgeError) {
        try FileSystem.replace(identityPath, with: try JSONFile.bytes(identity), mode: 0o600)
    }

    /// Forgets who the device is: for a registration that the registry refused.
    func removeIdentity() throws(EdgeError) {
        try FileSystem.remove(identityPath)
    }

    /// Runs `body` while no other process registers a device here.
    func whileRegistering<Result>(_ body: () async throws -> Result) async throws -> Result {
        try await FileLock.withLock(path + "/device.lock", body)
    }
}

/// Who a device is to the registry.
public struct DeviceIdentity: Hashable, Sendable, Codable {
    /// The device's name.
    public var deviceID: String
    /// The name of its class.
    public var deviceClass: String
    /// The 64 hexadecimal digits of the token that proves it.
    public var token: String

    enum CodingKeys: String, CodingKey {
        case deviceID = "device_id"
        case deviceClass = "device_class"
        case token
    }

    /// The token has 32 bytes.
    public init(deviceID: String, deviceClass: String, token: [UInt8]) throws(EdgeError) {
        do throws(DigestError) {
            // A token has a digest's length and spelling.
            self.token = try Digest(bytes: token).hex
        } catch {
            throw EdgeError(.registryFailed, "the registry gave a token of \(token.count) bytes; 32 are expected")
        }
        self.deviceID = deviceID
        self.deviceClass = deviceClass
    }

    /// What the first request of a connection carries to call as this device.
    ///
    /// - Throws: ``EdgeError`` with `invalidState` when the stored token is damaged.
    public func authenticationData() throws(EdgeError) -> [UInt8] {
        Credential.device(id: deviceID, token: try tokenBytes()).authenticationData
    }

    /// The token's 32 bytes.
    ///
    /// - Throws: ``EdgeError`` with `invalidState` when the stored token is damaged.
    public func tokenBytes() throws(EdgeError) -> [UInt8] {
        do throws(DigestError) {
            return try Digest(token).bytes
        } catch {
            throw EdgeError(.invalidState, "the device's stored token is damaged; restore device.json")
        }
    }
}
