import RPC

/// What a caller may do; each role is a reader too.
public enum Role: String, Sendable, Hashable, CaseIterable {
    /// Reads models, versions, releases, channels and blobs, and composes.
    case reader
    /// Registers, uploads and submits updates as a device.
    case device
    /// Publishes.
    case publisher
    /// Rolls back, moves channels, defines device classes.
    case `operator`

    /// Refuses callers without the role.
    ///
    /// - Throws: ``RPCError`` with `permissionDenied`.
    func check(_ principal: RPCPrincipal, calls method: String) throws(RPCError) {
        guard self == .reader || principal.roles.contains(rawValue) else {
            throw RPCError(
                .permissionDenied, "\(principal.name) may not call \(method): it needs the role \(rawValue)")
        }
    }
}

extension RPCPrincipal {
    /// The device that the caller proved to be; `nil` for anybody else.
    var deviceID: String? {
        name.hasPrefix(Self.devicePrefix) ? String(name.dropFirst(Self.devicePrefix.count)) : nil
    }

    static let devicePrefix = "device:"

    /// Refuses a device that acts for another.
    ///
    /// - Throws: ``RPCError`` with `permissionDenied`.
    func checkMayAct(as device: String) throws(RPCError) {
        if let deviceID, deviceID != device {
            throw RPCError(.permissionDenied, "device \(deviceID) may not act for device \(device)")
        }
    }
}
