#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// An HTTP/1.1 client with one connection that waits for each answer, and does so little itself that what it measures is
/// the server.
final class RawClient {
  /// What came back.
  struct Answer {
    let status: Int
    let body: [UInt8]
  }

  private let descriptor: Int32
  private var buffer = [UInt8](repeating: 0, count: RawClient.bufferSize)
  /// What of the buffer is still to be read.
  private var unread = 0..<0

  private static let bufferSize = 256 << 10

  init(port: Int) throws {
    descriptor = try LoopbackSocket.connect(port: port)
  }

  deinit {
    close(descriptor)
  }

  /// Sends a request and takes the whole answer.
  /// - Throws: if the status is none of those expected.
  func answer(
    _ method: String, _ target: String, _ body: [UInt8] = [], type: String = "application/json",
    expecting statuses: Int...
  ) throws -> Answer {
    try send(RawClient.head(method, target, length: body.count, type: type) + body)
    var answer: [UInt8] = []
    let status = try receive { answer.append(contentsOf: $0) }
    guard statuses.contains(status) else {
      throw BareError(message: "\(method) \(target): \(status) \(String(decoding: answer, as: UTF8.self))")
    }
    return Answer(status: status, body: answer)
  }

  /// The head of a request as it goes over the wire.
  static func head(_ method: String, _ target: String, length: Int = 0, type: String = "application/json") -> [UInt8] {
    var head = "\(method) \(target) HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    head += "Authorization: \(PouchServerProcess.authorization)\r\nAccept: application/json\r\n"
    if length > 0 { head += "Content-Type: \(type)\r\nContent-Length: \(length)\r\n" }
    return Array((head + "\r\n").utf8)
  }

  /// Sends bytes as they are.
  func send(_ bytes: [UInt8]) throws {
    try bytes.withUnsafeBytes { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        let count = write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        guard count > 0 else { throw RawClient.cut }
        rest = rest.dropFirst(count)
      }
    }
  }

  /// Takes an answer.
  /// - Parameter take: is given the body piece by piece.
  /// - Returns: the status.
  func receive(_ take: (UnsafeRawBufferPointer) -> Void) throws -> Int {
    let start = try line()
    guard let status = start.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
      throw BareError(message: "This is no answer: \(start)")
    }
    var length = 0
    var isChunked = false
    while true {
      let field = try line().lowercased()
      if field.isEmpty { break }
      if field.hasPrefix("content-length:") { length = Int(field.dropFirst(15).drop { $0 == " " }) ?? 0 }
      if field.hasPrefix("transfer-encoding:") { isChunked = true }
    }
    guard isChunked else {
      try pass(length, take)
      return status
    }
    while true {
      guard let size = Int(try line(), radix: 16) else { throw BareError(message: "This is no chunk.") }
      try pass(size, take)
      _ = try line()
      if size == 0 { return status }
    }
  }

  /// Passes some bytes on as they come.
  private func pass(_ count: Int, _ take: (UnsafeRawBufferPointer) -> Void) throws {
    var missing = count
    while missing > 0 {
      if unread.isEmpty { try fill() }
      let piece = unread.prefix(missing)
      buffer.withUnsafeBytes { take(UnsafeRawBufferPointer(rebasing: $0[piece])) }
      unread = unread.dropFirst(piece.count)
      missing -= piece.count
    }
  }

  /// A line without its end.
  private func line() throws -> String {
    var bytes: [UInt8] = []
    while true {
      if unread.isEmpty { try fill() }
      if let end = buffer[unread].firstIndex(of: 0x0A) {
        bytes += buffer[unread.lowerBound..<end]
        unread = end + 1..<unread.upperBound
        if bytes.last == 0x0D { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
      }
      bytes += buffer[unread]
      unread = 0..<0
    }
  }

  private func fill() throws {
    let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
    guard count > 0 else { throw RawClient.cut }
    unread = 0..<count
  }

  private static let cut = BareError(message: "The server has ended a connection.")
}
