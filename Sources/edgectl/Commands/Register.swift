import ArgumentParser
import CommandSupport
import DevicePrograms
import ECLMCore
import EdgeClient

struct Register: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Register this device, or change its class and attributes.",
        discussion: """
            The token that proves the device is made here and kept in the state directory, readable by its owner only: \
            keep the directory.

            Example:
              edgectl register --id cam-17 --class jetson-nano --attribute site=north

            \(ExitStatus.help)
            """)

    @Option(name: .long, help: "The device's name: letters, digits, '.', '_', ':' and '-'.")
    var id: String

    @Option(name: .customLong("class"), help: "The name of the device's class.")
    var deviceClass: String

    @Option(name: .long, help: ArgumentHelp("A further fact; several may be given.", valueName: "key=value"))
    var attribute: [NamedValue] = []

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        try await runCommand(global) { output in
            let attributes = try NamedValue.dictionary(attribute)
            let identity = try await connection.withClient {
                try await $0.register(deviceID: id, deviceClass: deviceClass, attributes: attributes)
            }
            try output.result(Report(deviceId: identity.deviceID, deviceClass: identity.deviceClass)) { _ in
                "registered \(identity.deviceID) as \(identity.deviceClass)\n"
            }
        }
    }

    private struct Report: Encodable {
        var deviceId: String
        var deviceClass: String
    }
}

/// `name=value` on the command line.
struct NamedValue: ExpressibleByArgument {
    var name: String
    var value: String

    init?(argument: String) {
        guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else { return nil }
        name = String(argument[..<equals])
        value = String(argument[argument.index(after: equals)...])
    }

    /// The values by name; a name given twice is an error.
    static func dictionary(_ values: [NamedValue]) throws -> [String: String] {
        var result: [String: String] = [:]
        for value in values {
            guard result.updateValue(value.value, forKey: value.name) == nil else {
                throw ValidationError("\(value.name) was given twice")
            }
        }
        return result
    }

    /// The values by name as finite numbers.
    static func numbers(_ values: [NamedValue]) throws -> [String: Double] {
        try dictionary(values).reduce(into: [:]) { numbers, entry in
            guard let value = Quantity.number(entry.value) else {
                throw ValidationError("--metric \(entry.key)=\(entry.value): the value is not a finite number")
            }
            numbers[entry.key] = value
        }
    }
}
