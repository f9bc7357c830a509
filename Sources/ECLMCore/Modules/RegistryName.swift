/// The rule for the names of models, modules and channels, as the registry's database checks it. Such a name is safe in
/// paths.
public enum RegistryName {
    /// Whether a text is a name: 1 to 128 lower-case letters, digits, `.`, `_` and `-`, a letter or digit first.
    public static func isValid(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count)
            && text.utf8.enumerated().allSatisfy { offset, byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
                case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): offset > 0
                default: false
                }
            }
    }
}
