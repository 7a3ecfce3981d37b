import Foundation
import Testing

@testable import WebRTC

@Suite struct DescriptionJSONTests {
  private func members(_ value: some Encodable) throws -> NSDictionary {
    try #require(try JSONSerialization.jsonObject(with: JSONEncoder().encode(value)) as? NSDictionary)
  }

  private func read<Value: Decodable>(_ text: String, as type: Value.Type = Value.self) throws -> Value {
    try JSONDecoder().decode(type, from: Data(text.utf8))
  }

  @Test(arguments: PeerDescription.all)
  func `descriptions have the form of browsers`(peer: PeerDescription) throws {
    let json = try JSONSerialization.data(withJSONObject: ["type": peer.type.rawValue, "sdp": peer.text])
    let description = try JSONDecoder().decode(SessionDescription.self, from: json)
    #expect(description == (try peer.read()))
    #expect(try members(description) == ["type": peer.type.rawValue, "sdp": description.sdp])
  }

  @Test func `candidates have the form of browsers`() throws {
    let candidate: IceCandidate = try read(
      """
      {"candidate":"candidate:1 1 udp 5 192.0.2.1 7 typ host ufrag abcd","sdpMid":"0","sdpMLineIndex":0,
      "usernameFragment":"abcd"}
      """)
    #expect(candidate.sdpMid == "0")
    #expect(candidate.sdpMLineIndex == 0)
    #expect(
      try members(candidate) == [
        "candidate": "candidate:1 1 udp 5 192.0.2.1 7 typ host ufrag abcd", "sdpMid": "0", "sdpMLineIndex": 0,
        "usernameFragment": "abcd",
      ])
    #expect(try read(String(decoding: JSONEncoder().encode(candidate), as: UTF8.self)) == candidate)
  }

  @Test func `a user fragment beside the candidate is kept with it`() throws {
    let candidate: IceCandidate = try read(
      #"{"candidate":"candidate:1 1 UDP 5 192.0.2.1 7 typ host","sdpMid":null,"usernameFragment":"9f00aa17"}"#)
    #expect(candidate.usernameFragment == "9f00aa17")
    #expect(candidate.sdpMid == nil)
    #expect(candidate.sdpMLineIndex == nil)
  }

  @Test(arguments: [
    #"{"candidate":"","sdpMid":"0","sdpMLineIndex":0}"#,
    #"{"candidate":"","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":"9f00aa17"}"#,
    #"{"candidate":null,"sdpMid":"0","sdpMLineIndex":0}"#, #"{"sdpMid":"0","sdpMLineIndex":0}"#,
  ])
  func `the end of candidates is an empty candidate`(text: String) throws {
    let end: TrickledCandidate = try read(text)
    #expect(end == .end(sdpMid: "0", sdpMLineIndex: 0))
    #expect(try members(end) == ["candidate": "", "sdpMid": "0", "sdpMLineIndex": 0])
    #expect(throws: DecodingError.self) { try read(text, as: IceCandidate.self) }
  }

  @Test(arguments: [
    #"{}"#, #"{"type":"offer"}"#, #"{"type":"rollback","sdp":""}"#, #"{"type":"offer","sdp":""}"#,
    #"{"type":"offer","sdp":7}"#, #"[]"#,
  ])
  func `other forms are no descriptions`(text: String) {
    #expect(throws: DecodingError.self) { try read(text, as: SessionDescription.self) }
  }

  @Test(arguments: [
    #"{"candidate":"candidate:1"}"#, #"{"candidate":7}"#, #"{"candidate":"","sdpMLineIndex":-1}"#,
    #"{"candidate":"","sdpMLineIndex":65536}"#,
    #"{"candidate":"candidate:1 1 udp 5 192.0.2.1 7 typ host","usernameFragment":"a b c"}"#,
  ])
  func `other forms are no candidates`(text: String) {
    #expect(throws: DecodingError.self) { try read(text, as: TrickledCandidate.self) }
  }

  @Test func `the reason is under the error`() {
    #expect {
      try read(#"{"type":"offer","sdp":"v=7"}"#, as: SessionDescription.self)
    } throws: { error in
      guard case .dataCorrupted(let context)? = error as? DecodingError else { return false }
      return context.underlyingError as? SDPError == SDPError(.malformed(.version), line: 1)
    }
  }
}
