import HTTPTypes
import PouchCore

/// One part of a multipart body.
struct MultipartPart: Sendable {
  var headers: HTTPFields
  /// The content. Of a part that was read it is a stream, to be read once and before the next part is asked for.
  var body: Body
}

/// Reads a multipart body part by part, as its reader pulls.
///
/// ```swift
/// let reader = try MultipartReader(response.body.stream, contentType: type)
/// while let part = try await reader.next() {
///   … part.headers … for try await piece in part.body.stream { … }
/// }
/// ```
///
/// Nothing is read ahead. What was not read of a part when the next one is asked for is skipped. A part that is
/// multipart itself is read by another reader over its body.
actor MultipartReader {
  private let upstream: ByteStream.AsyncIterator
  private var parser: MultipartParser
  /// The number of the part that is being read.
  private var current = 0
  /// Whether the current part has content left.
  private var isInContent = false
  private var isBusy = false
  private var failure: (any Error)?

  /// - Parameter contentType: the value of the header `Content-Type`, which names the boundary.
  /// - Throws: ``PouchError/Code/badRequest`` if it is no multipart type with a boundary.
  init(
    _ body: ByteStream, contentType: String, limits: MultipartLimits = .standard
  ) throws(PouchError) {
    let type = ParameterizedValue(contentType)
    guard type.value.hasPrefix("multipart/") else { throw PouchError(.badRequest, "The body is not multipart.") }
    parser = try MultipartParser(boundary: type.parameters["boundary"] ?? "", limits: limits)
    upstream = body.makeAsyncIterator()
  }

  /// The next part; `nil` behind the last one.
  /// - Throws: ``PouchError/Code/badRequest`` for what is no multipart body, also if it is cut short; what the stream
  ///   throws.
  func next() async throws -> MultipartPart? {
    while true {
      switch try await event() {
      case .part(let headers):
        current += 1
        isInContent = true
        return MultipartPart(headers: headers, body: .stream(content(of: current), length: nil))
      case .bytes, .endOfPart: isInContent = false
      case .end: return nil
      }
    }
  }

  private nonisolated func content(of part: Int) -> ByteStream {
    ByteStream { { try await self.piece(of: part) } }
  }

  private func piece(of part: Int) async throws -> [UInt8]? {
    guard part == current else {
      throw PouchError(.internalError, "A part of a multipart body was read after the next one was asked for.")
    }
    guard isInContent else { return nil }
    if case .bytes(let bytes) = try await event() { return bytes }
    isInContent = false
    return nil
  }

  private func event() async throws -> MultipartParser.Event {
    if let failure { throw failure }
    guard !isBusy else { throw PouchError(.internalError, "A multipart body was read by two at once.") }
    isBusy = true
    defer { isBusy = false }
    do {
      var iterator = upstream
      while true {
        if let event = try parser.next() { return event }
        guard let piece = try await iterator.next(isolation: #isolation) else {
          try parser.finish()
          return .end
        }
        parser.receive(piece)
      }
    } catch {
      failure = error
      throw error
    }
  }
}
