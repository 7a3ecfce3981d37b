import Foundation

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A UDP socket on 127.0.0.1, at a port that was free.
///
/// SAFETY: what the descriptor is asked for, the kernel orders; it is closed when nobody holds it any more.
final class UDPSocket: @unchecked Sendable {
  let port: UInt16
  private let descriptor: Int32

  init() throws {
    #if canImport(Darwin)
      let kind = SOCK_DGRAM
    #else
      let kind = Int32(SOCK_DGRAM.rawValue)
    #endif
    let descriptor = socket(AF_INET, kind, 0)
    var address = Self.loopback(0)
    let bound = Self.withSockaddr(&address) { bind(descriptor, $0, $1) }
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let named = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    self.descriptor = descriptor
    port = UInt16(bigEndian: address.sin_port)
    guard descriptor >= 0, bound == 0, named == 0 else { throw POSIXError(POSIXError.Code(rawValue: errno) ?? .EIO) }
  }

  deinit {
    close(descriptor)
  }

  /// Has `receive()` wait so long at most.
  func setTimeout(milliseconds: Int) {
    var time = timeval()
    (time.tv_sec, time.tv_usec) = (.init(milliseconds / 1000), .init(milliseconds % 1000 * 1000))
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
  }

  /// The next datagram and the port that it comes from; `nil` if none came in time. Blocks.
  func receive() -> (bytes: [UInt8], from: UInt16)? {
    var address = Self.loopback(0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    var buffer = [UInt8](repeating: 0, count: 2048)
    let count = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        recvfrom(descriptor, &buffer, buffer.count, 0, $0, &length)
      }
    }
    guard count >= 0 else { return nil }
    return (Array(buffer.prefix(count)), UInt16(bigEndian: address.sin_port))
  }

  func send(_ bytes: [UInt8], to port: UInt16) {
    var address = Self.loopback(port)
    _ = Self.withSockaddr(&address) { sendto(descriptor, bytes, bytes.count, 0, $0, $1) }
  }

  private static func loopback(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    return address
  }

  private static func withSockaddr<Result>(
    _ address: inout sockaddr_in, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) -> Result {
    withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
  }
}
