/// Who calls, as the first request of a connection says it in its `authentication_data`.
///
/// Text, so that a stock client can write it: `device ID TOKEN` with the registration's token in hexadecimal digits,
/// or `bearer SECRET` for operators, publishers and trainers.
public enum Credential: Hashable, Sendable {
    /// A registered device, and the 32 bytes that it chose when it registered.
    case device(id: String, token: [UInt8])
    /// A secret that the server's configuration gives a principal.
    case bearer(String)

    /// The longest credential that is read, in bytes.
    public static let maximumBytes = 1024

    public var authenticationData: [UInt8] {
        switch self {
        case .device(let id, let token): Array("device \(id) \(Self.hex(token))".utf8)
        case .bearer(let secret): Array("bearer \(secret)".utf8)
        }
    }

    /// A credential from authentication data; `nil` when it is none.
    public init?(authenticationData data: [UInt8]) {
        guard data.count <= Self.maximumBytes, let text = String(validating: data, as: UTF8.self) else { return nil }
        let words = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        switch (words.first, words.count) {
        case ("device", 3):
            guard !words[1].isEmpty, let token = Self.bytes(hex: words[2]), token.count == 32 else { return nil }
            self = .device(id: words[1], token: token)
        case ("bearer", 2):
            guard !words[1].isEmpty else { return nil }
            self = .bearer(words[1])
        default: return nil
        }
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func bytes(hex text: String) -> [UInt8]? {
        let digits = text.utf8.map { Character(Unicode.Scalar($0)).hexDigitValue }
        guard digits.count % 2 == 0, !digits.contains(nil) else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { UInt8((digits[$0] ?? 0) << 4 | (digits[$0 + 1] ?? 0)) }
    }
}
