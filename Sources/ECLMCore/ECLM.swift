/// What the package is as a whole.
public enum ECLM {
    /// The version of everything in the package, as `--version` and a server's health tell it: MAJOR.MINOR.PATCH after
    /// semver.org. CHANGELOG.md says what each brought.
    public static let version = "0.1.0"
}
