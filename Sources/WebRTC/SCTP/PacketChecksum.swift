import CUSRSCTP

/// The checksum of packets: CRC32c (RFC 9260, appendix A).
final class PacketChecksum {
  private let tables: UnsafeMutablePointer<cusrsctp_crc32c>

  init() {
    tables = .allocate(capacity: 1)
    tables.initialize(to: cusrsctp_crc32c())
    cusrsctp_prepare(tables)
  }

  deinit {
    tables.deallocate()
  }

  /// The checksum as its bytes stand in the header.
  func of(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    cusrsctp_checksum(tables, bytes.baseAddress, bytes.count)
  }
}
