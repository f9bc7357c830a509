/// What the name of a thing may consist of: the one place that says so. The registry's schema checks the same of new rows
/// (docs/schema.md, "Names").
///
/// All but actors are ASCII, so that two names that look the same are the same, and are safe in paths, logs and terminals.
public struct NameRule: Sendable {
    /// What has the name: `model`.
    public let thing: String
    /// What is allowed, in words.
    public let words: String
    private let maximumBytes: Int
    private let isAllowed: @Sendable (_ byte: UInt8, _ isFirst: Bool) -> Bool

    /// The name of a model.
    public static let model = lowerCase("model")
    /// The name of a module.
    public static let module = lowerCase("module")
    /// The name of a channel.
    public static let channel = lowerCase("channel")
    /// The name of a device class.
    public static let deviceClass = lowerCase("device class")

    /// The name of a device.
    public static let device = NameRule(
        thing: "device",
        words: "1 to 128 letters of ASCII, digits, '.', '_', ':' and '-', a letter or digit first", maximumBytes: 128
    ) { byte, isFirst in
        isLower(byte) || isDigit(byte)
            || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) || !isFirst && isMark(byte)
            || !isFirst && byte == UInt8(ascii: ":")
    }

    /// The name of an operator that a runtime has or a module needs.
    public static let `operator` = NameRule(
        thing: "operator", words: "1 to 64 printable characters of ASCII without spaces and commas", maximumBytes: 64
    ) { byte, _ in (0x21...0x7E).contains(byte) && byte != UInt8(ascii: ",") }

    /// The name of who acts: a person, a service, a login.
    public static let actor = NameRule(
        thing: "actor", words: "1 to 256 bytes of UTF-8 without control characters", maximumBytes: 256
    ) { byte, _ in byte >= 0x20 && byte != 0x7F }

    /// Whether a text is such a name.
    public func allows(_ text: String) -> Bool {
        (1...maximumBytes).contains(text.utf8.count)
            && text.utf8.enumerated().allSatisfy { isAllowed($0.element, $0.offset == 0) }
    }

    /// Why a text is no such name, with the rule; `nil` where it is one.
    public func refusal(of text: String) -> String? {
        guard !allows(text) else { return nil }
        let shown = text.utf8.count > 200 ? "\(text.prefix(40).debugDescription)…" : text.debugDescription
        let article = "aeio".contains(thing.prefix(1)) ? "an" : "a"
        return "\(shown) is no name for \(article) \(thing): it has \(words)"
    }

    private static func lowerCase(_ thing: String) -> NameRule {
        NameRule(
            thing: thing,
            words: "1 to 128 lower-case letters of ASCII, digits, '.', '_' and '-', a letter or digit first",
            maximumBytes: 128
        ) { byte, isFirst in isLower(byte) || isDigit(byte) || !isFirst && isMark(byte) }
    }

    private init(
        thing: String, words: String, maximumBytes: Int, isAllowed: @escaping @Sendable (UInt8, Bool) -> Bool
    ) {
        self.thing = thing
        self.words = words
        self.maximumBytes = maximumBytes
        self.isAllowed = isAllowed
    }

    private static func isLower(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    private static func isMark(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
    }
}
