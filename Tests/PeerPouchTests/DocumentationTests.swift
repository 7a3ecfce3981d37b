import Foundation
import PeerTrust
import PeerTunnel
import Testing

@testable import PeerPouch

/// What the documentation says of tests and bounds.
struct DocumentationTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private static func page(_ name: String) throws -> String {
    try String(contentsOf: root.appending(components: "docs", name), encoding: .utf8)
  }

  /// The tests that a page names, as `Suite/name` or `Target.Suite/name`.
  private static func tests(in page: String) -> [(suite: String, name: String)] {
    page.split(separator: "`").compactMap { text in
      let parts = text.split(separator: "/", maxSplits: 1)
      // A path of the repository begins with a folder of that name.
      guard parts.count == 2, parts[0].hasSuffix("Tests"), parts[0] != "Tests", !text.contains("\n") else { return nil }
      return (String(parts[0]), String(parts[1]))
    }
  }

  @Test(arguments: ["threat-model.md", "limits.md"])
  func `every test that a page names is there`(_ name: String) throws {
    var sources: [(target: String, text: String)] = []
    let folder = Self.root.appending(component: "Tests").resolvingSymlinksInPath()
    let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
    for case let file as URL in files where file.pathExtension == "swift" {
      let target = file.pathComponents.dropFirst(folder.pathComponents.count).first ?? ""
      sources.append((target, try String(contentsOf: file, encoding: .utf8)))
    }
    let tests = try Self.tests(in: Self.page(name))
    #expect(tests.count > 30)
    for (suite, name) in tests {
      let parts = suite.split(separator: ".")
      let isThere = sources.contains { source in
        (parts.count == 1 || source.target == parts[0]) && source.text.contains("struct \(parts[parts.count - 1]) {")
          && source.text.contains("func `\(name)`(")
      }
      #expect(isThere, "\(suite)/\(name)")
    }
  }

  @Test func `the page of limits tells the values in the code`() throws {
    let page = try Self.page("limits.md")
    func row(_ name: String, _ value: String) {
      #expect(page.contains("`\(name)` | \(value) |"), "\(name) \(value)")
    }
    func bytes(_ count: Int) -> String {
      count >= 1 << 20 ? "\(count >> 20) MiB" : count >= 1 << 10 ? "\(count >> 10) KiB" : "\(count) bytes"
    }
    func seconds(_ duration: Duration) -> String { "\(duration.components.seconds) s" }

    row("TrustLimits.signal", bytes(TrustLimits.signal))
    row("TrustLimits.record", bytes(TrustLimits.record))
    row("TrustLimits.info", bytes(TrustLimits.info))
    row("TrustLimits.name", bytes(TrustLimits.name))
    row("TrustLimits.candidates", "\(TrustLimits.candidates)")
    row("TrustLimits.furtherSignals", "\(TrustLimits.furtherSignals)")
    row("TrustLimits.offersPerSecond", "\(TrustLimits.offersPerSecond)")
    row("TrustLimits.pending", "\(TrustLimits.pending)")
    row("TrustLimits.pendingPerIdentity", "\(TrustLimits.pendingPerIdentity)")
    row("TrustLimits.handshake", seconds(TrustLimits.handshake))
    row("TrustLimits.decision", seconds(TrustLimits.decision))
    row("TrustLimits.lease", seconds(TrustLimits.lease))
    row("TrustLimits.epochLife", seconds(TrustLimits.epochLife))
    row("TrustLimits.predecessorLife", seconds(TrustLimits.predecessorLife))
    row("TrustLimits.epochOffers", "\(TrustLimits.epochOffers)")
    row("TrustLimits.sendTicketLife", seconds(TrustLimits.sendTicketLife))

    let peer = PeerOptions()
    row("PeerOptions.connections", "\(peer.connections)")
    row("PeerOptions.connectionsPerIdentity", "\(peer.connectionsPerIdentity)")

    let tunnel = TunnelLimits()
    row("TunnelLimits.streams", "\(tunnel.streams)")
    row("TunnelLimits.cancelsPerSecond", "\(tunnel.cancelsPerSecond)")
    row("TunnelLimits.headers", "\(tunnel.headers)")
    row("TunnelLimits.head", bytes(tunnel.head))
    row("TunnelLimits.path", bytes(tunnel.path))
    row("TunnelLimits.longestStreamCredit", bytes(tunnel.longestStreamCredit))
    row("TunnelLimits.longestConnectionCredit", bytes(tunnel.longestConnectionCredit))
    row("TunnelLimits.hello", seconds(tunnel.hello))
    row("TunnelLimits.stall", seconds(tunnel.stall))
    row("TunnelLimits.silence", seconds(tunnel.silence))
    row("TunnelLimits.shares", "\(tunnel.shares)")
    row("TunnelLimits.openingsPerSecond", "\(tunnel.openingsPerSecond)")
    row("TunnelLimits.openingsSentPerSecond", "\(tunnel.openingsSentPerSecond)")
    row("TunnelLimits.requests", "\(tunnel.requests)")

    let access = AccessLimits()
    row("AccessLimits.feeds", "\(access.feeds)")
    row("AccessLimits.document", bytes(access.document))
    row("AccessLimits.bulk", bytes(access.bulk))
    row("AccessLimits.bulkDocuments", "\(access.bulkDocuments)")
    row("AccessLimits.bulkGets", "\(access.bulkGets)")
    row("AccessLimits.jsonDepth", "\(access.jsonDepth)")
    row("AccessLimits.selector.depth", "\(access.selector.depth)")
    row("AccessLimits.selector.nodes", "\(access.selector.nodes)")
    row("AccessLimits.leaves", "\(access.leaves)")
    row("AccessLimits.localDocuments", "\(access.localDocuments)")
    row("AccessLimits.localDocument", bytes(access.localDocument))
    row("AccessLimits.lists", "\(access.lists)")
    row("AccessLimits.documents", "\(access.documents)")
    row("AccessLimits.bodiesInMemory", bytes(access.bodiesInMemory))
    row("AccessLimits.freeSpace", bytes(Int(access.freeSpace)).replacing("1024 MiB", with: "1 GiB"))
  }
}
