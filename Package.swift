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
  platforms: [.macOS("15.4")],
  products: [
    .library(name: "PeerPouch", targets: ["PeerPouch"]),
    .library(name: "WebRTC", targets: ["WebRTC"]),
    .executable(name: "peerpouch", targets: ["PeerPouchCLI"]),
    .executable(name: "rtc-chat", targets: ["RTCChat"]),
    // What tests and benchmarks run as other processes.
    .executable(name: "RTCTool", targets: ["RTCTool"]),
    .executable(name: "udp-relay", targets: ["udp-relay"]),
  ],
  traits: [
    .default(enabledTraits: ["WebRTC"]),
    .trait(
      name: "WebRTC",
      description: "Connections between peers by this package's WebRTC, which needs libnice, OpenSSL and usrsctp."),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    .systemLibrary(
      name: "CPlatform", path: "Sources/CPlatform", pkgConfig: "zlib",
      providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
    .systemLibrary(
      name: "CNice", pkgConfig: "nice", providers: [.apt(["libnice-dev"]), .brew(["libnice"])]),
    .systemLibrary(
      name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"]), .brew(["openssl@3"])]),
    .systemLibrary(
      name: "CUSRSCTP", pkgConfig: "usrsctp", providers: [.apt(["libusrsctp-dev"]), .brew(["libusrsctp"])]),
    .target(
      name: "WebRTC",
      dependencies: [
        "CNice", "COpenSSL", "CUSRSCTP", .product(name: "DequeModule", package: "swift-collections"),
      ],
      exclude: ["README.md"],
      swiftSettings: house),
    .executableTarget(
      name: "RTCChat", dependencies: ["WebRTC"], path: "Examples/RTCChat", swiftSettings: house),
    .target(
      name: "PouchCore",
      dependencies: [.product(name: "OrderedCollections", package: "swift-collections")],
      swiftSettings: house),
    .target(name: "PouchGzip", dependencies: ["PouchCore", "CPlatform"], swiftSettings: house),
    .target(
      name: "PouchStore",
      dependencies: [
        "PouchCore", "PouchGzip", "CPlatform",
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "GRDBSQLite", package: "GRDB.swift"),
        .product(name: "Crypto", package: "swift-crypto"),
      ],
      swiftSettings: house),
    .target(
      name: "PouchReplication",
      dependencies: ["PouchCore", .product(name: "Crypto", package: "swift-crypto")],
      swiftSettings: house),
    .target(
      name: "CouchAPI",
      dependencies: [
        "PouchCore",
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Crypto", package: "swift-crypto"),
      ],
      swiftSettings: house),
    .target(
      name: "PouchHTTP",
      dependencies: [
        "CouchAPI", "PouchCore", "PouchGzip",
        .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ],
      swiftSettings: house),
    .target(
      name: "PeerTrust",
      dependencies: ["PouchCore", .product(name: "Crypto", package: "swift-crypto")],
      swiftSettings: house),
    .target(
      name: "PeerTunnel",
      dependencies: [
        "CouchAPI", "PouchCore",
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
      ],
      swiftSettings: house),
    .target(
      name: "PeerPouch",
      dependencies: [
        "PouchCore", "PouchStore", "PouchReplication", "CouchAPI", "PouchHTTP", "PeerTrust", "PeerTunnel",
        .target(name: "WebRTC", condition: .when(traits: ["WebRTC"])),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: house),
    .executableTarget(
      name: "PeerPouchCLI",
      dependencies: [
        "PeerPouch",
        .target(name: "WebRTC", condition: .when(traits: ["WebRTC"])),
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: house),
    .testTarget(
      name: "ConformanceTests",
      dependencies: [
        "PeerPouch", "CouchAPI", "PouchHTTP",
        .target(name: "WebRTC", condition: .when(traits: ["WebRTC"])),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: house),
    .testTarget(
      name: "CouchAPITests",
      dependencies: [
        "CouchAPI", "PouchStore", "TestSupport", .product(name: "HTTPTypes", package: "swift-http-types"),
      ],
      swiftSettings: house),
    .executableTarget(
      name: "PeerTool",
      dependencies: ["PeerPouch", "WebRTC", .product(name: "Logging", package: "swift-log")],
      path: "Tests/PeerTool", swiftSettings: house),
    .testTarget(
      name: "PeerPouchTests",
      dependencies: [
        "PeerPouch", "CouchAPI", "PeerTool", "PeerTrust", "PeerTunnel", "PouchCore", "PouchReplication", "PouchStore",
        "TestSupport",
        .target(name: "WebRTC", condition: .when(traits: ["WebRTC"])),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: house),
    .testTarget(
      name: "PeerTrustTests", dependencies: ["PeerTrust", "PouchCore", "TestSupport"], swiftSettings: house),
    .testTarget(
      name: "PeerTunnelTests",
      dependencies: [
        "CouchAPI", "PeerTunnel", "PouchCore", "PouchStore", "TestSupport",
        .product(name: "HTTPTypes", package: "swift-http-types"),
      ],
      swiftSettings: house),
    .testTarget(
      name: "PouchHTTPTests",
      dependencies: [
        "CouchAPI", "PouchHTTP", "PouchGzip", "PouchReplication", "PeerPouch", "TestSupport",
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ],
      swiftSettings: house),
    .testTarget(
      name: "PouchReplicationTests", dependencies: ["PouchReplication", "PouchStore", "TestSupport"],
      swiftSettings: house),
    .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: house),
    .executableTarget(
      name: "StoreTool", dependencies: ["PeerPouch"], path: "Tests/StoreTool", swiftSettings: house),
    .testTarget(
      name: "PouchStoreTests",
      dependencies: [
        "PeerPouch", "PouchGzip", "StoreTool", "TestSupport",
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "GRDB", package: "GRDB.swift"),
      ],
      swiftSettings: house),
    .testTarget(
      name: "PouchCoreTests", dependencies: ["PouchCore", "TestSupport"], swiftSettings: house),
    .executableTarget(
      name: "RTCTool",
      dependencies: ["WebRTC", "CPlatform", .product(name: "DequeModule", package: "swift-collections")],
      path: "Tests/RTCTool", swiftSettings: house),
    .executableTarget(
      name: "udp-relay", path: "Tests/UDPRelay",
      cSettings: [.treatAllWarnings(as: .error), .enableWarning("all"), .enableWarning("extra")]),
    .testTarget(
      name: "WebRTCTests", dependencies: ["WebRTC", "RTCChat", "RTCTool", "TestSupport"], swiftSettings: house),
    .testTarget(
      name: "PeerPouchCLITests",
      dependencies: [
        "PeerPouchCLI", "PeerPouch", "TestSupport", .product(name: "Crypto", package: "swift-crypto"),
      ],
      swiftSettings: house),
  ]
)
