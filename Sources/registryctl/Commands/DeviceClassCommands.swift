import ArgumentParser
import CommandSupport
import ECLMCore
import Registry
import RegistryPrograms

struct DeviceClassCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "device-class",
        abstract: "Lists and defines the classes of devices: what a device of the class can hold and run.",
        discussion: """
            Example:
              registryctl device-class list
            """,
        subcommands: [DeviceClassList.self, DeviceClassDefine.self])
}

struct DeviceClassList: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the device classes.",
        discussion: """
            Example:
              registryctl device-class list
            """)

    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let classes = try await session.registry.deviceClasses().map(DeviceClassDocument.init)
        try output.listing(
            Listing(items: classes, nextPageToken: ""),
            columns: ["class", .number("memory"), .number("flops"), "runtime", "dtypes", "operators"],
            ifEmpty: "There is no device class; `registryctl device-class define` makes one."
        ) { item in
            [
                item.deviceClass, Figure.bytes(item.memory), Figure.operations(item.flops), item.runtime,
                item.dtypes.joined(separator: " "), item.operators.joined(separator: " "),
            ]
        }
    }
}

struct DeviceClassDefine: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "define", abstract: "Makes a device class, or changes the traits of one.",
        discussion: """
            Example:
              registryctl device-class define pi4 --memory 512MiB --flops 8G --dtypes F32,F16 \
            --operators linear,layer_norm,gelu --runtime 2.1.0
            """)

    @Argument(help: "The class's name.")
    var name: String
    @Option(name: .long, help: ArgumentHelp("Memory a sub-model may use.", valueName: "bytes"))
    var memory: ByteSize
    @Option(name: .long, help: ArgumentHelp("Operations a sub-model may use for one sample.", valueName: "count"))
    var flops: OperationCount
    @Option(
        name: [.long, .customLong("dtype")],
        help: ArgumentHelp("Element types the runtime computes with, joined by commas.", valueName: "list"))
    var dtypes: [String] = ["F32"]
    @Option(
        name: [.long, .customLong("operator")],
        help: ArgumentHelp("Operators the runtime offers, joined by commas.", valueName: "list"))
    var operators: [String] = []
    @Option(name: .long, help: ArgumentHelp("The runtime's version, such as 2.1.0.", valueName: "version"))
    var runtime: String
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func validate() throws { _ = try traits() }

    private func traits() throws -> DeviceTraits {
        guard let version = RuntimeVersion(runtime) else {
            throw ValidationError("--runtime is \(runtime.debugDescription); write it like 2.1.0")
        }
        let types = try Self.split(dtypes).map { name in
            guard let type = ElementType(argument: name) else {
                throw ValidationError(
                    "\(name.debugDescription) is no dtype; use some of "
                        + ElementType.allCases.map(\.rawValue).joined(separator: ", "))
            }
            return type
        }
        guard !types.isEmpty else { throw ValidationError("--dtypes is empty") }
        return DeviceTraits(
            memory: memory.bytes, flops: flops.operations, dtypes: Set(types),
            operators: Set(Self.split(operators).map { $0.lowercased() }), runtime: version)
    }

    private static func split(_ lists: [String]) -> [String] {
        lists.flatMap { $0.split { $0 == "," || $0 == " " } }.map(String.init)
    }

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let record = DeviceClassDocument(
            try await session.registry.defineDeviceClass(name, traits: traits(), as: database.provenance()))
        try output.result(record) { _ in
            var fields = FieldList()
            fields.add("class", record.deviceClass)
            fields.add("memory", Figure.bytes(record.memory))
            fields.add("flops", Figure.operations(record.flops))
            fields.add("dtypes", record.dtypes.joined(separator: " "))
            fields.add("operators", record.operators.joined(separator: " "))
            fields.add("runtime", record.runtime)
            return fields.rendered()
        }
    }
}
