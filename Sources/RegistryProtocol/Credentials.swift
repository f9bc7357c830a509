import Core

/// What a connection proves itself with: the authentication data of its first frame.
///
/// Text: `device NAME HEX` with the token that the device got when it registered, or `token SECRET` with a secret that
/// the operator configured.
public enum Credentials: Sendable, Hashable {
    /// A registered device and its token of 32 bytes.
    case device(id: String, token: [UInt8])
    /// A secret of the registry's configuration.
    case token(String)

    /// The authentication data.
    public var encoded: [UInt8] {
        switch self {
        case .device(let id, let token): Array("device \(id) \(Self.hex(token))".utf8)
        case .token(let secret): Array("token \(secret)".utf8)
        }
    }

    /// Credentials from authentication data; `nil` when it has neither form.
    public init?(decoding bytes: [UInt8]) {
        guard bytes.count <= 1024, let text = String(validating: bytes, as: UTF8.self) else { return nil }
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        switch (parts.first, parts.count) {
        case ("device", 3):
            guard let digest = try? Digest(String(parts[2])), !parts[2].hasPrefix("sha256:") else { return nil }
            self = .device(id: String(parts[1]), token: digest.bytes)
        case ("token", 2) where !parts[1].isEmpty:
            self = .token(String(parts[1]))
        default:
            return nil
        }
    }

    /// A token as text, two digits a byte.
    public static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
