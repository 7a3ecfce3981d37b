import HTTPTypes
import PouchCore

/// A document with the bytes of its attachments as `multipart/related` (RFC 2387), in CouchDB's form: the JSON first,
/// with `"follows": true` for the attachments whose bytes come in the parts behind it, in the same order.
enum MultipartDocument {
  /// A document in this form.
  struct Encoded: Sendable {
    let contentType: String
    let body: Body
  }

  /// Writes a document. Attachments that are stubs stay so.
  /// - Returns: `nil` if all of them are: such a document is plain JSON.
  static func encode(_ document: Document, boundary: String = Identifiers.random()) -> Encoded? {
    var described = document
    var parts: [MultipartPart] = []
    for (name, attachment) in document.attachments {
      guard let body = body(of: attachment) else { continue }
      var shown = attachment
      shown.content = .stream(body.stream)
      if attachment.encoding == nil { shown.length = body.length } else { shown.encodedLength = body.length }
      described.attachments[name] = shown
      parts.append(MultipartPart(headers: headers(of: attachment, name: name.string, body), body: body))
    }
    guard !parts.isEmpty else { return nil }
    let json = MultipartPart(headers: [.contentType: "application/json"], body: .bytes(described.encoded))
    let writer = MultipartWriter(boundary: boundary)
    return Encoded(contentType: writer.contentType("related"), body: writer.body(of: [json] + parts))
  }

  private static func body(of attachment: Attachment) -> Body? {
    switch attachment.content {
    case .stub: nil
    case .data(let bytes): .bytes(bytes)
    case .stream(let stream):
      .stream(stream, length: attachment.encoding == nil ? attachment.length : attachment.encodedLength)
    }
  }

  private static func headers(of attachment: Attachment, name: String, _ body: Body) -> HTTPFields {
    var headers: HTTPFields = [
      .contentDisposition: AttachmentDisposition.value(name: name), .contentType: attachment.contentType,
    ]
    if let length = body.length { headers[.contentLength] = String(length) }
    if let encoding = attachment.encoding { headers[.contentEncoding] = encoding.rawValue }
    return headers
  }

  /// Reads a document.
  ///
  /// The attachments that follow are streams, to be read once each and in the order of the document. A part belongs to
  /// the attachment that its `Content-Disposition` names, or else to the first that has none yet, as in CouchDB, which
  /// goes by the order alone; parts that come too early are kept in memory up to
  /// ``MultipartLimits/outOfOrderBytes``. The streams end with an error if the body is cut short, or an attachment is
  /// longer or shorter than the document says.
  /// - Parameters:
  ///   - contentType: the value of the header `Content-Type`, which names the boundary.
  ///   - json: the bounds of the document's JSON.
  /// - Throws: ``PouchError/Code/badRequest`` if it is no multipart body or the document no document,
  ///   ``PouchError/Code/unsupportedMediaType`` if the first part is not JSON, ``PouchError/Code/documentTooLarge``.
  static func decode(
    _ body: ByteStream, contentType: String, limits: MultipartLimits = .standard, json: JSONLimits = .standard
  ) async throws -> Document {
    let reader = try MultipartReader(body, contentType: contentType, limits: limits)
    guard let first = try await reader.next() else {
      throw MultipartParser.malformed("it has no document")
    }
    guard ParameterizedValue(first.headers[.contentType] ?? "").value == "application/json" else {
      throw PouchError(.unsupportedMediaType)
    }
    let text: [UInt8]
    do {
      text = try await first.body.collect(upTo: limits.documentBytes)
    } catch let error as PouchError where error.code == .requestTooLarge {
      throw PouchError(.documentTooLarge)
    }
    var document = try Document(parsing: text, limits: json)
    guard document.attachments.contains(where: { $0.value.isStub }) else { return document }
    let following = try following(in: text, json)
    let attachments = FollowingAttachments(reader, expecting: following, limits)
    for expected in following {
      document.attachments[expected.name]?.content = .stream(attachments.stream(of: expected.name))
    }
    return document
  }

  /// The attachments whose bytes follow.
  private static func following(
    in text: [UInt8], _ limits: JSONLimits
  ) throws -> [FollowingAttachments.Expected] {
    guard let described = try JSON(parsing: text, limits: limits)["_attachments"]?.object else { return [] }
    return described.compactMap { name, description in
      guard description["follows"]?.bool == true, description["data"] == nil else { return nil }
      let isEncoded = description["encoding"]?.string.map { $0 != "identity" } ?? false
      let length = description[isEncoded ? "encoded_length" : "length"]?.int
      return FollowingAttachments.Expected(name: name, length: length.map(Int64.init))
    }
  }
}
