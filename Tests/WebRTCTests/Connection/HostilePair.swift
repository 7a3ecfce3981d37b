import Testing

@testable import WebRTC

/// A connection whose offerer says what a test has it say, and whose answerer is looked at.
@RTCEngine
struct HostilePair {
  let pair: Pair
  let here: DataChannel
  let there: DataChannel
  /// A stream whose number the offerer may give to a channel, which it has not, and one that only the answerer may give.
  let (own, foreign): (UInt16, UInt16)

  init(_ answering: PeerConnection.Configuration = Pair.configuration) async throws {
    (pair, here, there) = try await Pair.connected(DataChannel.Options(), Pair.configuration, answering)
    (own, foreign) = pair.offerer.transport.dtls?.role == .client ? (100, 101) : (101, 100)
    try await here.send("before")
    #expect(try await there.next() == .text("before"))
  }

  /// The offerer's association.
  var association: SctpAssociation {
    get throws { try #require(pair.offerer.transport.association) }
  }

  func opening(_ label: String) throws -> [UInt8] {
    DCEPMessage.open(try DCEPOpen(label: label)).bytes
  }

  /// Sends a message past the channels, as soon as there is room for it.
  func say(_ bytes: [UInt8], _ payload: PayloadProtocol, on stream: UInt16) async throws {
    let association = try association
    let delivery = SctpAssociation.Delivery(stream: stream, payload: payload)
    var sent = SctpAssociation.Sent.full
    for _ in 0..<1000 where sent == .full {
      sent = bytes.withUnsafeBytes { association.send($0, delivery) }
      if sent == .full { try await Task.sleep(for: .milliseconds(5)) }
    }
    #expect(sent == .all)
  }

  /// Sends a packet past SCTP.
  func sendPacket(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { pair.offerer.transport.dtls?.send($0) }
  }

  /// Has the answerer hear that a stream was reset, and then that a channel is opened on it, before it hears that its own
  /// reset has arrived.
  func reuse(_ stream: UInt16, for label: String) throws {
    pair.answerer.channels.incomingReset(stream)
    try opening(label).withUnsafeBytes { pair.answerer.channels.receive($0, .control, on: stream) }
  }

  /// Expects that the first channel works, and that the next channel that comes is one that was opened well: all that was
  /// said before has arrived then, and disturbed nothing.
  func expectThatItGoesOn() async throws {
    try await here.send("after")
    #expect(try await there.next() == .text("after"))
    try await there.send("and back")
    #expect(try await here.next() == .text("and back"))
    let next = try pair.offerer.createDataChannel("next")
    #expect(try await pair.incoming().label == "next")
    try await next.opened()
    #expect(pair.answerer.connectionState == .connected)
  }
}
