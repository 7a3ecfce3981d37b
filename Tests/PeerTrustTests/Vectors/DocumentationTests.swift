import Foundation
import PouchCore
import Testing

@testable import PeerTrust

@Suite("The page on signalling")
struct DocumentationTests {
  @Test func `its worked example is the vectors'`() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let page = try String(contentsOf: folder.appending(components: "docs", "signalling-protocol.md"), encoding: .utf8)
    let example = try #require(page.split(separator: "## A worked example").last)

    var values: [String] = []
    let shares = try Vectors.load("shares")
    for name in ["fingerprint", "salt", "id", "r", "g"] { values.append(try shares.text(name)) }
    let ticket = try Vectors.load("tickets").elements("tickets")[0]
    for name in ["text", "tid", "kT"] { values.append(try ticket.text(name)) }
    let offers = try Vectors.load("offers")
    for name in ["sharer", "opener", "epoch"] { values.append(try offers.member(name).text("public")) }
    let offer = try offers.elements("offers")[0]
    for name in ["sid", "h", "Z", "K", "tO", "mac", "sig"] { values.append(try offer.text(name)) }
    values.append(Base64URL.encode(Primitives.hash(try offer.bytes("c"))))
    values.append(String(try offer.text("body").prefix { $0 != " " }))
    let answer = try Vectors.load("answers").member("accepted")
    for name in ["h", "ZF", "kA", "kSO", "kOS", "kB", "body", "tA", "sig", "T"] { values.append(try answer.text(name)) }
    let hello = try Vectors.load("sessions").member("hello")
    for role in Role.allCases { values.append(try hello.text(role.rawValue)) }
    for value in values { #expect(example.contains(value), "\(value)") }
  }
}
