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

    /// Refuses callers that have none of `roles`; everybody is a reader.
    ///
    /// - Throws: ``RPCError`` with `permissionDenied`.
    static func check(_ principal: RPCPrincipal, hasOneOf roles: [Role], toCall method: String) throws(RPCError) {
        guard roles.contains(where: { $0 == .reader || principal.has($0) }) else {
            throw RPCError(
                .permissionDenied,
                "\(principal.name) may not call \(method): it needs the role "
                    + roles.map(\.rawValue).joined(separator: " or "))
        }
    }
}

extension RPCPrincipal {
    /// The device that the caller proved to be; `nil` for anybody else.
    var deviceID: String? {
        name.hasPrefix(Self.devicePrefix) ? String(name.dropFirst(Self.devicePrefix.count)) : nil
    }

    static let devicePrefix = "device:"

    /// Whether the caller has the role.
    func has(_ role: Role) -> Bool { roles.contains(role.rawValue) }

    /// Refuses a device that acts for another, and callers that are no device and may act for none.
    ///
    /// - Throws: ``RPCError`` with `permissionDenied`.
    func checkMayAct(as device: String) throws(RPCError) {
        try checkMayRegister(device)
        guard has(.device) else {
            throw RPCError(
                .permissionDenied,
                "\(name) may not act for device \(device): send the token that the device registered with")
        }
    }

    /// Refuses a device that registers another; who is no device yet may register.
    ///
    /// - Throws: ``RPCError`` with `permissionDenied`.
    func checkMayRegister(_ device: String) throws(RPCError) {
        if let deviceID, deviceID != device {
            throw RPCError(.permissionDenied, "device \(deviceID) may not act for device \(device)")
        }
    }
}
