// swift-tools-version: 6.2
import PackageDescription

/// The same rules for every target; see CONTRIBUTING.md.
let house: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let package = Package(
  name: "peerpouch",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "PeerPouch", targets: ["PeerPouch"]),
    .executable(name: "peerpouch", targets: ["PeerPouchCLI"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
  ],
  targets: [
    .systemLibrary(
      name: "CSystem", path: "Sources/CSystem", pkgConfig: "zlib",
      providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
    .target(
      name: "PouchCore",
      dependencies: [.product(name: "OrderedCollections", package: "swift-collections")],
      swiftSettings: house),
    .target(
      name: "PouchStore",
      dependencies: [
        "PouchCore", "CSystem",
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "GRDBSQLite", package: "GRDB.swift"),
        .product(name: "Crypto", package: "swift-crypto"),
      ],
      swiftSettings: house),
    .target(name: "PeerPouch", dependencies: ["PouchCore", "PouchStore"], swiftSettings: house),
    .executableTarget(
      name: "PeerPouchCLI",
      dependencies: [
        "PeerPouch",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: house),
    .testTarget(
      name: "ConformanceTests", dependencies: ["PeerPouch"], swiftSettings: house),
    .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: house),
    .executableTarget(
      name: "StoreTool", dependencies: ["PeerPouch"], path: "Tests/StoreTool", swiftSettings: house),
    .testTarget(
      name: "PouchStoreTests",
      dependencies: [
        "PeerPouch", "StoreTool", "TestSupport",
        .product(name: "GRDB", package: "GRDB.swift"),
      ],
      swiftSettings: house),
    .testTarget(
      name: "PouchCoreTests", dependencies: ["PouchCore"], swiftSettings: house),
    .testTarget(
      name: "PeerPouchCLITests", dependencies: ["PeerPouchCLI", "PeerPouch", "TestSupport"],
      swiftSettings: house),
  ]
)
