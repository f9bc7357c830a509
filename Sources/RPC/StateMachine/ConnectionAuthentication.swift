import NIOCore

/// Who is at the other end of a connection: asked once, about the first request, which is held until there is a verdict.
enum ConnectionAuthentication {
    struct HeldRequest {
        var frame: Frame
        var meta: RPCMeta
        /// When it is answered ERPCTIMEDOUT.
        var deadline: NIODeadline
    }

    /// No request has come yet.
    case awaited
    case verifying(HeldRequest)
    case accepted(RPCPrincipal)
    case refused

    /// When there must be a verdict; `nil` where none is awaited.
    var deadline: NIODeadline? {
        if case .verifying(let held) = self { held.deadline } else { nil }
    }

    var isVerifying: Bool {
        if case .verifying = self { true } else { false }
    }
}
