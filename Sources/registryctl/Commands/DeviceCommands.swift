import ArgumentParser
import CommandSupport
import Registry
import RegistryPrograms

struct DeviceCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "device", abstract: "Lists and shows the registered devices.",
        discussion: """
            Example:
              registryctl device list --class pi4
            """,
        subcommands: [DeviceList.self, DeviceShow.self])
}

struct DeviceList: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the registered devices by name.",
        discussion: """
            Example:
              registryctl device list --class pi4 --contains berlin
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
            ifEmpty: "No device matches; devices register themselves."
        ) { [$0.device, $0.deviceClass, $0.registeredAt.brief, $0.attributeText] }
    }
}

struct DeviceShow: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows a device and its newest updates.",
        discussion: """
            Example:
              registryctl device show pi-017
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
