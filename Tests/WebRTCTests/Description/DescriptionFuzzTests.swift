import TestSupport
import Testing

@testable import WebRTC

/// Thousands of damaged and random texts: each is refused, or read as something within its bounds that is written and
/// read again as the same. The seeds are the arguments of the tests.
@Suite struct DescriptionFuzzTests {
  /// Reads a text, and checks what becomes of it.
  /// - Returns: Whether it was read.
  private func isRead(_ text: String, _ type: SDPType, _ comment: @autoclosure () -> Comment) -> Bool {
    guard let description = try? SessionDescription(type, sdp: text) else { return false }
    #expect(description.sections.count <= SDPLimits.sections, comment())
    for case .data(let section) in description.sections where !section.isRejected {
      #expect(SDPText(section.iceUfrag).isIce(length: SDPLimits.ufragLength), comment())
      #expect(SDPText(section.icePwd).isIce(length: SDPLimits.passwordLength), comment())
      #expect(!section.fingerprints.isEmpty, comment())
      #expect(section.sctpPort != 0, comment())
      #expect(section.candidates.count <= SDPLimits.candidates, comment())
      #expect(section.candidates.allSatisfy { $0.addressForm != nil }, comment())
    }
    do throws(SDPError) {
      let again = try SessionDescription(type, sdp: description.sdp)
      #expect(again == description, comment())
      #expect(again.sdp == description.sdp, comment())
    } catch {
      Issue.record(error, comment())
    }
    if let data = PeerDescription.ours {
      let answer = SessionDescription(answering: description, sessionID: 1, with: data)
      #expect(answer.sections.map(\.mid) == description.sections.map(\.mid), comment())
      #expect((answer.dataSection == nil) == (description.dataSection == nil), comment())
      #expect((try? SessionDescription(.answer, sdp: answer.sdp)) == answer, comment())
    }
    return true
  }

  @Test(arguments: PeerDescription.all, [1, 2] as [UInt64])
  func `damaged descriptions are refused or read`(peer: PeerDescription, seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let texts = PeerDescription.all.map { Array($0.text.utf8) }
    var count = 0
    for round in 0..<400 {
      var bytes = Array(peer.text.utf8)
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        Mutation.damage(&bytes, with: texts.randomElement(using: &random) ?? [], using: &random)
      }
      let text = String(decoding: bytes, as: UTF8.self)
      if isRead(text, peer.type, "seed \(seed), round \(round): \(text.debugDescription)") { count += 1 }
    }
    #expect((20..<400).contains(count), "seed \(seed): \(count) of 400 were read")
  }

  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func `random bytes are refused`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    for round in 0..<1_500 {
      let bytes = (0..<Int.random(in: 0...400, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      let text = String(decoding: bytes, as: UTF8.self)
      #expect(!isRead(text, .offer, "seed \(seed), round \(round): \(bytes)"))
      #expect((try? IceCandidate(text)) == nil, "seed \(seed), round \(round): \(bytes)")
      #expect(Fingerprint(text) == nil, "seed \(seed), round \(round): \(bytes)")
    }
  }

  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func `lines at random are refused or read`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let lines = PeerDescription.all.flatMap { $0.text.split(separator: "\r\n").map(String.init) }
    var count = 0
    for round in 0..<1_500 {
      var chosen = ["v=0", "o=- 1 1 IN IP4 127.0.0.1"]
      for _ in 0..<Int.random(in: 0...30, using: &random) {
        guard let line = lines.randomElement(using: &random), !line.hasPrefix("m=application") || round % 2 == 0 else {
          continue
        }
        chosen.append(line)
      }
      let text = chosen.joined(separator: "\n")
      if isRead(text, .answer, "seed \(seed), round \(round): \(text.debugDescription)") { count += 1 }
    }
    #expect(count > 100, "seed \(seed)")
  }

  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func `damaged candidates are refused or read`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let texts = PeerDescription.all.flatMap { peer in
      peer.text.split(separator: "\r\n").filter { $0.hasPrefix("a=candidate") }.map { Array($0.utf8) }
    }
    var count = 0
    for round in 0..<5_000 {
      var bytes = texts.randomElement(using: &random) ?? []
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        Mutation.damage(&bytes, with: texts.randomElement(using: &random) ?? [], using: &random)
      }
      let text = String(decoding: bytes, as: UTF8.self)
      guard let candidate = try? IceCandidate(text) else { continue }
      count += 1
      let again = try? IceCandidate(candidate.candidate)
      #expect(again == candidate, "seed \(seed), round \(round): \(text.debugDescription)")
    }
    #expect(count > 500, "seed \(seed)")
  }
}

extension PeerDescription {
  /// What an answerer says of itself.
  fileprivate static let ours: DataSection? = Fingerprint(
    algorithm: .sha256, bytes: [UInt8](repeating: 7, count: 32)
  ).map {
    DataSection(
      mid: "ours", iceUfrag: "OURS", icePwd: "OURSOURSOURSOURSOURSOURS", fingerprints: [$0], setup: .active)
  }
}
