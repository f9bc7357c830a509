import RPC
import RegistryProtocol

extension Role {
    /// Refuses callers that have none of `roles`; everybody is a reader.
    ///
    /// - Throws: ``RPCError`` with `permissionDenied`.
    static func check(_ principal: RPCPrincipal, hasOneOf roles: [Role], toCall method: String) throws(RPCError) {
        guard roles.contains(where: { $0 == .reader || principal.has($0) }) else {
            let needed = roles.isEmpty ? "which nobody has" : roles.map(\.rawValue).joined(separator: " or ")
            throw RPCError(.permissionDenied, "\(principal.name) may not call \(method): it needs the role \(needed)")
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
        if let deviceID, !deviceID.utf8.elementsEqual(device.utf8) {
            throw RPCError(.permissionDenied, "device \(deviceID) may not act for device \(device)")
        }
    }
}
