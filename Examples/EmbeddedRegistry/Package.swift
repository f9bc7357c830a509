// swift-tools-version: 6.1
import PackageDescription

// A package of its own, as yours would be; yours names the repository's URL and a version instead of a path.
let package = Package(
    name: "EmbeddedRegistry",
    dependencies: [
        .package(name: "eclm", path: "../.."),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .executableTarget(
            name: "EmbeddedRegistry",
            dependencies: [
                .product(name: "Composition", package: "eclm"),
                .product(name: "ECLMCore", package: "eclm"),
                .product(name: "EdgeClient", package: "eclm"),
                .product(name: "PostgreSQL", package: "eclm"),
                .product(name: "RPC", package: "eclm"),
                .product(name: "Registry", package: "eclm"),
                .product(name: "RegistryService", package: "eclm"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ])
    ],
    swiftLanguageModes: [.v6]
)
