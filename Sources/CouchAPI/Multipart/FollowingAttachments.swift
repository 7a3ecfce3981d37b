import HTTPTypes
import PouchCore

/// Hands the parts behind a document's JSON to the attachments that they belong to.
actor FollowingAttachments {
  /// An attachment whose bytes are to come.
  struct Expected: Sendable {
    let name: ExactString
    /// The number of bytes in the part, if the document says it.
    let length: Int64?
  }

  private let reader: MultipartReader
  private let limits: MultipartLimits
  /// Those whose part has not come yet.
  private var missing: [Expected]
  /// Parts that came before their turn.
  private var early: [ExactString: [UInt8]] = [:]
  private var earlyBytes = 0

  init(_ reader: MultipartReader, expecting expected: [Expected], _ limits: MultipartLimits) {
    self.reader = reader
    self.limits = limits
    missing = expected
  }

  /// The bytes of an attachment.
  nonisolated func stream(of name: ExactString) -> ByteStream {
    ByteStream {
      var opened: ByteStream.AsyncIterator?
      return {
        if opened == nil { opened = try await self.open(name).makeAsyncIterator() }
        return try await opened?.next(isolation: #isolation)
      }
    }
  }

  /// Reads on to the part of an attachment.
  private func open(_ name: ExactString) async throws -> ByteStream {
    while true {
      if let bytes = early.removeValue(forKey: name) {
        earlyBytes -= bytes.count
        return ByteStream(bytes)
      }
      guard missing.contains(where: { $0.name == name }) else {
        throw PouchError(.internalError, "An attachment of a multipart document was read twice.")
      }
      guard let part = try await reader.next() else {
        throw MultipartParser.malformed("the attachment \(name) is missing")
      }
      guard let owner = owner(of: part) else { continue }
      let content = checked(part.body.stream, owner)
      if owner.name == name { return content }
      try await keep(content, of: owner.name)
    }
  }

  private func owner(of part: MultipartPart) -> Expected? {
    let name = part.headers[.contentDisposition].flatMap { AttachmentDisposition.name(in: $0) }
    let named = missing.firstIndex { $0.name.string.utf8.elementsEqual((name ?? "").utf8) }
    guard let index = named ?? missing.indices.first else { return nil }
    return missing.remove(at: index)
  }

  private func keep(_ content: ByteStream, of name: ExactString) async throws {
    var bytes: [UInt8] = []
    for try await piece in content {
      earlyBytes += piece.count
      guard earlyBytes <= limits.outOfOrderBytes else {
        throw MultipartParser.malformed("large attachments come in another order than the document names them")
      }
      bytes += piece
    }
    early[name] = bytes
  }

  /// The content, which must have the length that the document says.
  private nonisolated func checked(_ content: ByteStream, _ expected: Expected) -> ByteStream {
    guard let length = expected.length else { return content }
    return ByteStream {
      var source = content.makeAsyncIterator()
      var count: Int64 = 0
      return {
        guard let piece = try await source.next(isolation: #isolation) else {
          guard count == length else { throw PouchError(.badRequest, "attachment shorter than expected") }
          return nil
        }
        count += Int64(piece.count)
        guard count <= length else { throw PouchError(.badRequest, "attachment longer than expected") }
        return piece
      }
    }
  }
}
