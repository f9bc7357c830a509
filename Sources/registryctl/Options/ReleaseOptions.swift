import ArgumentParser
import Registry

/// Which release of a model a command looks at.
struct ReleaseOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("The release with this number.", valueName: "number"))
    var release: Int?

    @Option(
        name: .long,
        help: ArgumentHelp("The release that this channel points to; stable unless told.", valueName: "name"))
    var channel: String?

    func validate() throws {
        if release != nil, channel != nil {
            throw ValidationError("--release and --channel both name a release; give one of them")
        }
    }

    var selector: ReleaseSelector {
        if let release { return .number(release) }
        return channel.map(ReleaseSelector.channel) ?? .standard
    }
}
