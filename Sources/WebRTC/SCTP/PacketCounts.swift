/// Counts packets, bytes and what was sent again, from the packets themselves: usrsctp counts for the process only.
struct PacketCounts: Hashable, Sendable {
  private(set) var packetsSent = 0
  private(set) var packetsReceived = 0
  private(set) var bytesSent = 0
  private(set) var bytesReceived = 0
  private(set) var chunksRetransmitted = 0
  /// The newest transmission sequence number that was sent.
  private var lastSent: UInt32?

  mutating func received(_ packet: UnsafeRawBufferPointer) {
    packetsReceived += 1
    bytesReceived += packet.count
  }

  mutating func sent(_ packet: UnsafeRawBufferPointer) {
    packetsSent += 1
    bytesSent += packet.count
    // RFC 9260, section 3.2: type, flags, length, then the content, padded to four bytes.
    var offset = SctpTuning.headerBytes
    while offset + 8 <= packet.count {
      let length = Int(UInt16(bigEndian: packet.loadUnaligned(fromByteOffset: offset + 2, as: UInt16.self)))
      if packet[offset] == 0 {
        let number = UInt32(bigEndian: packet.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self))
        // Serial numbers (RFC 1982): the newer one is less than half the circle ahead.
        if let lastSent, Int32(bitPattern: number &- lastSent) <= 0 {
          chunksRetransmitted += 1
        } else {
          lastSent = number
        }
      }
      guard length >= 4 else { return }
      offset += (length + 3) & ~3
    }
  }
}
