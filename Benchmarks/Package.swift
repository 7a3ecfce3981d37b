// swift-tools-version: 6.2
import PackageDescription

/// The same rules as in the package that is measured.
let house: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let package = Package(
  name: "peerpouch-benchmarks",
  platforms: [.macOS(.v15)],
  dependencies: [
    // The name, because the identity of a package by path is that of the folder it was checked out to.
    .package(name: "peerpouch", path: ".."),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
  ],
  targets: [
    .systemLibrary(name: "CMalloc"),
    .executableTarget(
      name: "bench",
      dependencies: [
        "CMalloc",
        // Run as programs of their own.
        "barechannel",
        "emptyserver",
        .product(name: "RTCTool", package: "peerpouch"),
        .product(name: "udp-relay", package: "peerpouch"),
        .product(name: "peerpouch", package: "peerpouch"),
        .product(name: "PeerPouch", package: "peerpouch"),
        .product(name: "WebRTC", package: "peerpouch"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "GRDBSQLite", package: "GRDB.swift"),
      ],
      swiftSettings: house),
    .executableTarget(
      name: "barechannel",
      cSettings: [.treatAllWarnings(as: .error), .enableWarning("all"), .enableWarning("extra")],
      linkerSettings: [.linkedLibrary("crypto")]),
    .executableTarget(
      name: "emptyserver",
      dependencies: [
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: house),
  ]
)
