/// What a caller may do; each role is a reader too.
public enum Role: String, Sendable, Hashable, CaseIterable {
    /// Reads models, versions, releases, channels and blobs, composes, and registers.
    case reader
    /// Uploads and submits updates as a device.
    case device
    /// Publishes.
    case publisher
    /// Rolls back, moves channels, defines device classes.
    case `operator`
}
