import HTTPTypes
import NIOCore
import NIOHTTP1
import PouchCore

/// How a response's body is delimited (RFC 9112, section 6).
enum Framing: Sendable, Hashable {
  /// There is none, whatever the headers say: some statuses, and the answer to HEAD, which has the length of the body
  /// that GET would get, if that is known.
  case bodiless(length: Int64?)
  case length(Int64)
  case chunked
  /// By the end of the connection, for HTTP/1.0.
  case untilClose
}

/// Writes responses as HTTP/1.1 has them.
enum ResponseEncoder {
  /// Appends the status line and headers. Those about the connection and the framing are the server's own.
  static func head(
    _ status: HTTPResponse.Status, _ headers: HTTPFields, _ framing: Framing, closes: Bool, to buffer: inout ByteBuffer
  ) {
    buffer.writeStaticString("HTTP/1.1 ")
    buffer.writeString(String(status.code))
    buffer.writeStaticString(" ")
    buffer.writeString(
      status.reasonPhrase.isEmpty ? HTTPResponseStatus(statusCode: status.code).reasonPhrase : status.reasonPhrase)
    buffer.writeStaticString("\r\n")
    for field in headers where !isOwn(field.name, framing) {
      buffer.writeString(field.name.rawName)
      buffer.writeStaticString(": ")
      _ = field.withUnsafeBytesOfValue { buffer.writeBytes($0) }
      buffer.writeStaticString("\r\n")
    }
    if !headers.contains(.date) {
      buffer.writeStaticString("Date: ")
      buffer.writeString(HTTPDate.now)
      buffer.writeStaticString("\r\n")
    }
    switch framing {
    case .bodiless(nil), .untilClose: break
    case .length(let length), .bodiless(let length?):
      buffer.writeStaticString("Content-Length: ")
      buffer.writeString(String(length))
      buffer.writeStaticString("\r\n")
    case .chunked: buffer.writeStaticString("Transfer-Encoding: chunked\r\n")
    }
    if closes { buffer.writeStaticString("Connection: close\r\n") }
    buffer.writeStaticString("\r\n")
  }

  private static func isOwn(_ name: HTTPField.Name, _ framing: Framing) -> Bool {
    switch name {
    case .contentLength: framing != .bodiless(length: nil)
    case .connection, .transferEncoding, .upgrade, .keepAlive: true
    default: false
    }
  }

  /// Appends a piece of a body; an empty one is nothing.
  static func piece(_ bytes: ArraySlice<UInt8>, _ framing: Framing, to buffer: inout ByteBuffer) {
    guard !bytes.isEmpty else { return }
    guard framing == .chunked else {
      buffer.writeBytes(bytes)
      return
    }
    buffer.writeString(String(bytes.count, radix: 16))
    buffer.writeStaticString("\r\n")
    buffer.writeBytes(bytes)
    buffer.writeStaticString("\r\n")
  }

  /// Appends what ends a complete body.
  static func end(_ framing: Framing, to buffer: inout ByteBuffer) {
    if framing == .chunked { buffer.writeStaticString("0\r\n\r\n") }
  }
}

extension HTTPField.Name {
  static let keepAlive = HTTPField.Name("Keep-Alive")!
}
