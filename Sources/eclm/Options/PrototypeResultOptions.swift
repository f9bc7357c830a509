import ArgumentParser
import CommandSupport
import ECLMCore
import Learning

/// Where the result goes.
struct PrototypeResultOptions: ParsableArguments {
    @Option(
        name: .long, help: ArgumentHelp("Write manifest, blobs and report here.", valueName: "directory"))
    var outputDirectory: String?
    @Option(
        name: .long,
        help: "What weights are published in: F32, or F16 or BF16 for modules of half the size.")
    var dtype = ElementType.f32
    @Flag(name: .long, help: "Publish to the registry that --database names.")
    var publish = false
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Record costs measured on a device class, by its profile; with --publish.", valueName: "file.json"))
    var classProfile: [String] = []

    func validate() throws {
        guard publish || outputDirectory != nil else {
            throw ValidationError("the result would be lost: give --output-directory, --publish or both")
        }
        guard dtype.isFloatingPoint else {
            throw ValidationError("weights cannot be published in \(dtype.rawValue); choose F32, F16, BF16 or F64")
        }
        if !publish, !classProfile.isEmpty { throw ValidationError("--class-profile goes with --publish") }
    }

    func profiles() throws -> [DeviceClassProfile] {
        try classProfile.map {
            try DeviceClassProfile.parse(InputFile.read($0, what: "class profile", limit: 1 << 20))
        }
    }
}
