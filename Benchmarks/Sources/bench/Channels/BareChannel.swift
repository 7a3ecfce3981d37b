import PeerPouch

/// The physical limit: packets through UDP, encrypted and decrypted; see Sources/barechannel.
enum BareChannel {
  /// What is left of a packet of 1200 bytes for payload, about: UDP's payload less DTLS and SCTP.
  static let smallPayload = 1150

  /// How fast two processes are.
  /// - Parameter payload: of each packet, in bytes.
  static func speed(payload: Int, seconds: Int) throws -> ChannelPair.Speed {
    let result = try JSON(parsing: ChildProcess("barechannel", ["\(payload)", "\(seconds)"]).finish())
    return ChannelPair.Speed(
      rate: try result.number("delivered"), senderPerCPU: try result.number("senderPerCPU"),
      receiverPerCPU: try result.number("receiverPerCPU"))
  }
}
