internal import RegistryProtocol

/// Which release of a model.
public enum ReleaseSource: Hashable, Sendable {
    /// What a channel points to.
    case channel(String)
    /// A release by its number.
    case release(Int32)

    /// The release as it travels.
    var selector: Wire.ReleaseSelector {
        var selector = Wire.ReleaseSelector()
        switch self {
        case .channel(let name): selector.channel = name
        case .release(let number): selector.number = number
        }
        return selector
    }
}
