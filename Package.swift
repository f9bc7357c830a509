// swift-tools-version: 6.1
import Foundation
import PackageDescription

// Who may import whom stands in Scripts/import-directions; `make lint` compares it with this file and with the sources.

/// swift-argument-parser, for everything with a command line.
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let configuration = Target.Dependency.product(name: "Configuration", package: "swift-configuration")
let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
]
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")

/// Where libtorch lies: `ECLM_LIBTORCH` names the root of a distribution (a newer release, or one built for CUDA), with
/// include/ and lib/, or is `none`; otherwise it is Debian's libtorch-dev. Without it the package has no Learning, no adapt
/// and no eclm; the registry, the trainer, registryctl and edgectl never need it.
struct LibTorch {
    var includeDirectories: [String]
    var libraryDirectory: String?
    var isCUDA: Bool

    static let installed: LibTorch? = {
        let isThere = FileManager.default.fileExists(atPath:)
        if let root = Context.environment["ECLM_LIBTORCH"], !root.isEmpty {
            guard root != "none" else { return nil }
            return LibTorch(
                includeDirectories: ["\(root)/include", "\(root)/include/torch/csrc/api/include"],
                libraryDirectory: "\(root)/lib", isCUDA: isThere("\(root)/lib/libtorch_cuda.so"))
        }
        guard isThere("/usr/include/torch/csrc/api/include/torch/torch.h") else { return nil }
        return LibTorch(
            includeDirectories: ["/usr/include/torch/csrc/api/include"], libraryDirectory: nil, isCUDA: false)
    }()

    var libraries: [String] { ["torch", "torch_cpu", "c10"] + (isCUDA ? ["torch_cuda", "c10_cuda"] : []) }

    /// The libraries of a named root are linked by their full paths: by name, a libtorch of the system is found first.
    var linkerSettings: [LinkerSetting] {
        guard let libraryDirectory else { return libraries.map { .linkedLibrary($0) } }
        let inputs = libraries.map { "\(libraryDirectory)/lib\($0).so" } + ["-rpath", libraryDirectory]
        return [.unsafeFlags(inputs.flatMap { ["-Xlinker", $0] })]
    }
}
let torch = LibTorch.installed

let package = Package(
    name: "eclm",
    products: [
        // What other programs may embed; Examples/EmbeddedRegistry does.
        .library(name: "ECLMCore", targets: ["ECLMCore"]),
        .library(name: "Aggregation", targets: ["Aggregation"]),
        .library(name: "Composition", targets: ["Composition"]),
        .library(name: "PostgreSQL", targets: ["PostgreSQL"]),
        .library(name: "RPC", targets: ["RPC"]),
        .library(name: "RegistryProtocol", targets: ["RegistryProtocol"]),
        .library(name: "Registry", targets: ["Registry"]),
        .library(name: "RegistryService", targets: ["RegistryService"]),
        .library(name: "Trainer", targets: ["Trainer"]),
        .library(name: "EdgeClient", targets: ["EdgeClient"]),
        .executable(name: "registryctl", targets: ["registryctl"]),
        .executable(name: "registryd", targets: ["registryd"]),
        .executable(name: "trainerd", targets: ["trainerd"]),
        .executable(name: "edgectl", targets: ["edgectl"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(
            url: "https://github.com/apple/swift-configuration", from: "1.4.0",
            traits: ["JSON", "CommandLineArguments"]),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // C libraries, each exposed by one target and imported by one Swift target.
        .systemLibrary(
            name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(
            name: "CProtobufC", pkgConfig: "libprotobuf-c", providers: [.apt(["libprotobuf-c-dev"])]),
        .target(name: "CProtocol", dependencies: ["CProtobufC"]),

        // Libraries.
        .target(name: "ECLMCore", dependencies: [crypto, system]),
        .target(name: "PostgreSQL", dependencies: ["CLibPQ", "ECLMCore", logging, deque]),
        // Finds texts in encoded messages that protobuf-c would hand over shortened.
        .target(name: "ProtobufText", dependencies: ["CProtobufC"]),
        .target(
            name: "RPC",
            dependencies: ["CProtobufC", "CProtocol", "ECLMCore", "ProtobufText", logging, metrics, lifecycle, deque]
                + nio),
        .target(
            name: "RegistryProtocol",
            dependencies: ["CProtocol", "ECLMCore", "ProtobufText", .product(name: "NIOCore", package: "swift-nio")]),
        .target(name: "Decomposition", dependencies: ["ECLMCore"]),
        // Data sets, and how they are split over a cloud and its devices.
        .target(name: "Datasets", dependencies: ["ECLMCore"]),
        // The two ideas, free of I/O: which sub-model serves a device best, and what becomes of what devices learned.
        .target(name: "Composition", dependencies: ["ECLMCore"]),
        // The inner loops of aggregation, for several instruction sets at once; Aggregation is its only importer.
        .target(name: "CAggregation"),
        .target(name: "Aggregation", dependencies: ["CAggregation", "ECLMCore", crypto]),
        .target(name: "Registry", dependencies: ["Aggregation", "Composition", "ECLMCore", "PostgreSQL", logging]),
        .target(
            name: "RegistryService",
            dependencies: [
                "Composition", "ECLMCore", "Registry", "PostgreSQL", "RPC", "RegistryProtocol", logging, metrics,
                lifecycle,
                .product(name: "NIOCore", package: "swift-nio"),
            ]),
        .target(
            name: "Trainer",
            dependencies: ["Aggregation", "ECLMCore", "Registry", "PostgreSQL", logging, metrics, lifecycle]),
        .target(
            name: "EdgeClient",
            dependencies: ["ECLMCore", "RPC", "RegistryProtocol", .product(name: "NIOCore", package: "swift-nio")]),
        .target(
            name: "CommandSupport",
            dependencies: ["ECLMCore", argumentParser, logging, system]),
        // Where a daemon's settings come from. Apart, since the parser of their file brings all of Foundation.
        .target(
            name: "DaemonSettings",
            dependencies: ["ECLMCore", "PostgreSQL", argumentParser, configuration, system]),
        // A registry as a region of another: mirrors its releases, and hands it partial aggregates.
        .target(
            name: "Regions",
            dependencies: [
                "ECLMCore", "EdgeClient", "PostgreSQL", "RPC", "Registry", "Trainer",
                .product(name: "NIOCore", package: "swift-nio"), logging, lifecycle,
            ]),
        // What the programs that work on the database have in common.
        .target(
            name: "RegistryPrograms",
            dependencies: ["CommandSupport", "ECLMCore", "PostgreSQL", "Registry", argumentParser, logging, metrics]),
        // What a device's programs, edgectl and adapt, have in common.
        .target(
            name: "DevicePrograms",
            dependencies: [
                "CommandSupport", "ECLMCore", "EdgeClient", "RPC", argumentParser,
                .product(name: "NIOCore", package: "swift-nio"),
            ]),
        // What daemons measure, and how scrapers get it.
        .target(
            name: "Monitoring",
            dependencies: [
                "ECLMCore", .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "NIOHTTP1", package: "swift-nio"), logging, lifecycle,
            ] + nio),
        // Charts as SVG, for the reports of experiments.
        .target(name: "Plots"),
        // A private PostgreSQL and the programs around it, for `registryctl dev`.
        .target(
            name: "Development", dependencies: ["ECLMCore", "Registry", "PostgreSQL", logging, subprocess, system]),

        // Programs.
        .executableTarget(
            name: "registryctl",
            dependencies: [
                "Aggregation", "CommandSupport", "Composition", "RegistryPrograms", "Decomposition", "Development",
                "Trainer", "Registry", "PostgreSQL", "ECLMCore", argumentParser,
            ]),
        .executableTarget(
            name: "registryd",
            dependencies: [
                "CommandSupport", "DaemonSettings", "ECLMCore", "Monitoring", "RegistryPrograms", "RegistryService",
                "Registry", "RegistryProtocol", "RPC", "PostgreSQL", argumentParser, logging, lifecycle, unixSignals,
            ]),
        .executableTarget(
            name: "trainerd",
            dependencies: [
                "CommandSupport", "DaemonSettings", "ECLMCore", "EdgeClient", "Monitoring", "RPC", "Regions",
                "Registry", "RegistryPrograms", "PostgreSQL", "Trainer", argumentParser, logging, lifecycle,
                unixSignals,
            ]),
        .executableTarget(
            name: "edgectl",
            dependencies: [
                "CommandSupport", "DevicePrograms", "EdgeClient", "ECLMCore", "RPC", argumentParser,
            ]),

        // A package of its own, which is built here too: so nobody compiles everything twice to check it. It has no access to
        // what is `package`, as any other package.
        .executableTarget(
            name: "EmbeddedRegistry",
            dependencies: [
                "Composition", "ECLMCore", "EdgeClient", "PostgreSQL", "RPC", "Registry", "RegistryService", logging,
                lifecycle, unixSignals,
            ],
            path: "Examples/EmbeddedRegistry/Sources/EmbeddedRegistry", packageAccess: false),

        .executableTarget(
            name: "registry-bench",
            dependencies: [
                "ECLMCore", "RPC", "RegistryProtocol", argumentParser,
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            path: "Benchmarks/RegistryBench"),
        // The read bandwidth of the machine, which aggregation is measured against; no program depends on it.
        .target(name: "CReadBandwidth", path: "Benchmarks/CReadBandwidth"),
        .executableTarget(
            name: "aggregation-bench",
            dependencies: [
                "Aggregation", "CReadBandwidth", "ECLMCore", "PostgreSQL", "Registry", "Trainer", logging,
                argumentParser,
            ],
            path: "Benchmarks/AggregationBench"),

        // Tests; TestSupport is the one harness that hands out databases and services.
        .target(
            name: "TestSupport",
            dependencies: ["Composition", "ECLMCore", "PostgreSQL", "Registry", argumentParser, logging],
            path: "Tests/TestSupport"),
        // Runs the Python packages that Scripts/python-env installs, for tests against independent implementations.
        .target(name: "PythonReference", path: "Tests/PythonReference"),
        // Decodes updates whole, for tests of what encodes them and of what sums them piece by piece.
        .target(name: "UpdateReference", dependencies: ["ECLMCore"], path: "Tests/UpdateReference"),
        .testTarget(name: "ECLMCoreTests", dependencies: ["ECLMCore", "PythonReference", "UpdateReference"]),
        .testTarget(name: "PostgreSQLTests", dependencies: ["PostgreSQL", "TestSupport", logging]),
        .testTarget(name: "RPCTests", dependencies: ["ECLMCore", "RPC", logging, lifecycle] + nio),
        .testTarget(
            name: "RegistryProtocolTests",
            dependencies: ["ECLMCore", "RPC", "RegistryProtocol", .product(name: "NIOCore", package: "swift-nio")],
            exclude: ["Recorded"]),
        .testTarget(name: "DecompositionTests", dependencies: ["Decomposition", "ECLMCore", "PythonReference"]),
        .testTarget(name: "DatasetsTests", dependencies: ["Datasets", "ECLMCore"]),
        .testTarget(
            name: "RegistryTests",
            dependencies: ["Aggregation", "Composition", "ECLMCore", "PostgreSQL", "Registry", "TestSupport", logging]),
        .testTarget(name: "CompositionTests", dependencies: ["Composition", "ECLMCore"]),
        .testTarget(name: "AggregationTests", dependencies: ["Aggregation", "ECLMCore"]),
        .testTarget(
            name: "RegistryServiceTests",
            dependencies: [
                "CProtobufC", "CProtocol", "Composition", "ECLMCore", "EdgeClient", "PostgreSQL", "RPC", "Registry",
                "RegistryProtocol", "RegistryService", "TestSupport", "Trainer", "registryd", logging,
                .product(name: "NIOCore", package: "swift-nio"),
            ]),
        .testTarget(
            name: "TrainerTests",
            dependencies: [
                "Aggregation", "ECLMCore", "PostgreSQL", "PythonReference", "Registry", "TestSupport", "Trainer",
                "UpdateReference", "trainerd", logging, lifecycle,
            ]),
        .testTarget(
            name: "RegionsTests",
            dependencies: [
                "ECLMCore", "EdgeClient", "PostgreSQL", "RPC", "Regions", "Registry", "RegistryProtocol",
                "RegistryService", "TestSupport", "Trainer", "edgectl", "registryctl", "trainerd", logging,
            ]),
        .testTarget(
            name: "EdgeClientTests",
            dependencies: [
                "EdgeClient", "ECLMCore", "RPC", "RegistryProtocol",
                .product(name: "NIOCore", package: "swift-nio"),
            ]),
        .testTarget(
            name: "MonitoringTests",
            dependencies: [
                "ECLMCore", "Monitoring", "TestSupport", "registryd", "trainerd", logging,
                .product(name: "CoreMetrics", package: "swift-metrics"),
            ] + nio),
        .testTarget(name: "CommandSupportTests", dependencies: ["CommandSupport", "ECLMCore", logging]),
        .testTarget(
            name: "CommandTests",
            dependencies: [
                "CommandSupport", "Decomposition", "ECLMCore", "PostgreSQL", "PythonReference", "Registry",
                "TestSupport",
                "edgectl", "registryctl", "registryd", "trainerd", argumentParser,
            ]),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)

if let torch {
    package.products += [
        .library(name: "Learning", targets: ["Learning"]),
        .executable(name: "adapt", targets: ["adapt"]),
        .executable(name: "eclm", targets: ["eclm"]),
    ]
    package.targets += [
        // libtorch behind a small C interface, and GLPK, which solves for the masks of the offline stage.
        .target(
            name: "CTorch",
            // Without errno, the square roots of an optimisation step are vectors.
            cxxSettings: [
                .unsafeFlags(torch.includeDirectories.flatMap { ["-isystem", $0] } + ["-fno-math-errno"])
            ],
            linkerSettings: torch.linkerSettings),
        .systemLibrary(name: "CGLPK", providers: [.apt(["libglpk-dev"])]),
        // The method: modular networks, the selector, the offline stage, adaptation on a device.
        .target(name: "Learning", dependencies: ["ECLMCore", "CTorch", "CGLPK"]),
        // The online stage on a device: Learning between two calls of EdgeClient.
        .target(name: "Adaptation", dependencies: ["ECLMCore", "EdgeClient", "Learning"]),
        // A fleet of edge clients in one process, played against a running registry.
        .target(
            name: "Fleets",
            dependencies: ["ECLMCore", "Adaptation", "Datasets", "EdgeClient", "Learning", "Plots", "RPC"]),
        // The paper's protocol, the methods it is compared with, clouds in memory and over the wire, and reports.
        .target(
            name: "Experiments",
            dependencies: [
                "Aggregation", "Composition", "ECLMCore", "Datasets", "Development", "EdgeClient", "Fleets", "Learning",
                "Plots", "PostgreSQL", "Registry", logging, subprocess, system,
            ]),
        // The device's program that learns; edgectl hands over to it, so as not to link libtorch itself.
        .executableTarget(
            name: "adapt",
            dependencies: [
                "Adaptation", "CommandSupport", "Datasets", "DevicePrograms", "ECLMCore", "EdgeClient",
                "Learning", "RPC", argumentParser,
            ]),
        .executableTarget(
            name: "eclm",
            dependencies: [
                "CommandSupport", "EdgeClient", "RegistryPrograms", "Experiments", "Fleets", "Learning", "Datasets",
                "Registry", "ECLMCore", argumentParser,
            ]),
        .testTarget(
            name: "AdaptationTests",
            dependencies: [
                "Adaptation", "ECLMCore", "EdgeClient", "Learning", "PostgreSQL", "RPC", "Registry", "TestSupport",
                "adapt", "edgectl", "registryd", "trainerd", logging,
                .product(name: "NIOCore", package: "swift-nio"),
            ]),
        .testTarget(name: "LearningTests", dependencies: ["ECLMCore", "Learning", "PythonReference"]),
        .testTarget(
            name: "ExperimentsTests",
            dependencies: [
                "Composition", "ECLMCore", "EdgeClient", "Experiments", "Fleets", "Learning", "Datasets", "Plots",
                "PostgreSQL", "Registry", "TestSupport", "eclm", "registryd", "trainerd", logging,
            ]),
    ]
}

// Scripts/make-docc asks for the plugin that builds the reference; nothing else pays for it.
if Context.environment["ECLM_DOCC"] != nil {
    package.dependencies.append(.package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"))
}

// What a file imports is its own affair unless it says `public import`, and what it uses it imports itself.
let withoutSwift: Set = ["CProtocol", "CAggregation", "CTorch", "CReadBandwidth"]
for target in package.targets where target.type != .system && !withoutSwift.contains(target.name) {
    target.swiftSettings = [
        .enableUpcomingFeature("InternalImportsByDefault"), .enableUpcomingFeature("MemberImportVisibility"),
    ]
}
