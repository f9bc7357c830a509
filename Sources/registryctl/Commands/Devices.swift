import ArgumentParser
import CommandSupport
import ECLMCore
import Registry
import RegistryPrograms

struct Devices: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lists devices, and lists and defines their classes.",
        discussion: """
            Example:
              registryctl devices list --class pi4
            """,
        subcommands: [DeviceList.self, DeviceShow.self, DeviceClasses.self, DefineDeviceClass.self])
}

struct DeviceList: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the registered devices by name.",
        discussion: """
            Example:
              registryctl devices list --class pi4 --contains berlin
            """)

    @Option(name: [.customLong("class")], help: ArgumentHelp("Only devices of this class.", valueName: "name"))
    var deviceClass: String?
    @Option(name: .long, help: ArgumentHelp("Only devices with this in the name.", valueName: "text"))
    var contains = ""
    @OptionGroup var page: PageOptions
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let listing = try await page.listing(DeviceDocument.init) {
            try await session.registry.devices(idContaining: contains, deviceClass: deviceClass, page: $0)
        }
        try output.listing(
            listing, columns: ["device", "class", "registered", "attributes"],
            ifEmpty: "There is no such device; devices register themselves."
        ) { [$0.device, $0.deviceClass, $0.registeredAt.brief, $0.attributeText] }
    }
}

struct DeviceShow: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows a device and its newest updates.",
        discussion: """
            Example:
              registryctl devices show pi-017
            """)

    @Argument(help: "The device's name.")
    var device: String
    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    struct Document: Encodable {
        var device: DeviceDocument
        var updates: [UpdateDocument]
    }

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let record = try await session.registry.device(device)
        let updates = try await session.registry.updates(device: device, page: PageRequest(size: 10))
        let document = Document(device: DeviceDocument(record), updates: updates.items.map(UpdateDocument.init))
        try output.result(document) { width in
            var fields = FieldList()
            fields.add("device", document.device.device)
            fields.add("class", document.device.deviceClass)
            fields.add("registered", document.device.registeredAt.brief)
            for (key, value) in document.device.attributes.sorted(by: { $0.key < $1.key }) { fields.add(key, value) }
            let table = UpdateList.table(document.updates)
            return fields.rendered() + (table.isEmpty ? "" : "\n" + table.rendered(width: width))
        }
    }
}

struct DeviceClasses: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "classes", abstract: "Lists the device classes.",
        discussion: """
            Example:
              registryctl devices classes
            """)

    @OptionGroup var options: GlobalOptions
    @OptionGroup var database: DatabaseOptions

    func run(on session: RegistrySession, output: CommandOutput) async throws {
        let classes = try await session.registry.deviceClasses().map(DeviceClassDocument.init)
        try output.listing(
            Listing(items: classes, nextPageToken: ""),
            columns: ["class", .number("memory"), .number("flops"), "runtime", "dtypes", "operators"],
            ifEmpty: "There is no device class; `registryctl devices define-class` makes one."
        ) { item in
            [
                item.deviceClass, Figure.bytes(item.memory), Figure.operations(item.flops), item.runtime,
                item.dtypes.joined(separator: " "), item.operators.joined(separator: " "),
            ]
        }
    }
}

struct DefineDeviceClass: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "define-class", abstract: "Makes a device class, or changes the traits of one.",
        discussion: """
            Example:
              registryctl devices define-class pi4 --memory 512MiB --flops 8G --dtypes F32,F16 \
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
