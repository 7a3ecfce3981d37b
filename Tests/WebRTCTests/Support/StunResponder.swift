import Foundation

/// A STUN server that says of everybody that they are at 192.0.2.7, an address of documentation (RFC 5737), and their port.
final class StunResponder: Sendable {
  static let address: [UInt8] = [192, 0, 2, 7]

  /// A binding request (RFC 8489, section 5) of transaction 0.
  static let request: [UInt8] = [0x00, 0x01, 0x00, 0x00, 0x21, 0x12, 0xA4, 0x42] + [UInt8](repeating: 0, count: 12)

  private let socket: UDPSocket
  var port: UInt16 { socket.port }

  init() throws {
    socket = try UDPSocket()
    let socket = socket
    Thread.detachNewThread {
      while let (request, sender) = socket.receive(), !request.isEmpty {
        if let answer = Self.answer(request, from: sender) { socket.send(answer, to: sender) }
      }
    }
  }

  /// Ends the thread.
  func stop() {
    socket.send([], to: port)
  }

  /// The header is type, length and transaction; MAPPED-ADDRESS has the family, the port and the address (RFC 8489,
  /// sections 5 and 14.1). It is this and not XOR-MAPPED-ADDRESS because libnice asks as RFC 3489 had it, without the cookie.
  private static func answer(_ request: [UInt8], from port: UInt16) -> [UInt8]? {
    guard request.count >= 20, request[0...1] == [0x00, 0x01] else { return nil }
    let mapped = [0x00, 0x01, UInt8(port >> 8), UInt8(port & 255)] + address
    return [0x01, 0x01, 0x00, 0x0C] + request[4..<20] + [0x00, 0x01, 0x00, 0x08] + mapped
  }
}
