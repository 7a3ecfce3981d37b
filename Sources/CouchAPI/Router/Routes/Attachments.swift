import HTTPTypes
import PouchCore

extension Router {
  /// `GET`, `HEAD`, `PUT` and `DELETE` of `/db/doc/attachment`.
  ///
  /// Text is stored as it comes, while CouchDB compresses it: so ranges of it can be asked for, and its digest is that
  /// of the text. What comes compressed, by replication or with `Content-Encoding: gzip`, is stored so, and is given so
  /// to clients that take gzip. A wrong `Content-MD5` is refused; CouchDB 3.5 takes it.
  func attachment(_ name: String, of id: DocumentID, _ context: DatabaseContext) async throws -> Response {
    switch context.request.method {
    case .put: return try await putAttachment(name, of: id, context)
    case .delete: return try await deleteAttachment(name, of: id, context)
    default:
      try await context.authorize(.readDocuments)
      try context.allow(.delete, .get, .head, .put)
      return try await getAttachment(name, of: id, context)
    }
  }

  // MARK: Reading

  private func getAttachment(
    _ name: String, of id: DocumentID, _ context: DatabaseContext
  ) async throws -> Response {
    let request = context.request
    let revision = try request.query.revision("rev")
    let ranges = request.headers[.range].flatMap { RangeHeader.parse($0) } ?? []
    // Ranges are of the uncompressed form, and only of attachments that are stored so.
    let form: AttachmentForm = ranges.isEmpty && request.acceptsGzip ? .stored : .identity
    var download = try await context.database.getAttachment(
      name, of: id, at: revision, range: request.method == .get ? ranges.first : nil, form: form)
    let attachment = download.attachment
    let tag = attachment.digest.map { String($0.trimmingPrefix("md5-")) }
    if let tag, request.hasCurrent(tag) { return .notModified(tag) }

    var headers = attachmentHeaders(attachment, form)
    if let tag { headers[.eTag] = Response.quoted(tag) }
    var isPartial = !ranges.isEmpty && attachment.encoding == nil && request.method == .get
    if isPartial, let condition = request.headers[.ifRange], tag == nil || condition != headers[.eTag] {
      // The client's part is of another version.
      download = try await context.database.getAttachment(name, of: id, at: revision, range: nil, form: form)
      isPartial = false
    }
    if isPartial, ranges.count > 1 {
      return try await multipleRanges(ranges, of: attachment) { range in
        try await context.database.getAttachment(name, of: id, at: revision, range: range, form: form)
      }
    }
    if isPartial { headers[.contentRange] = contentRange(download) }
    let length = Int64(download.range.count)
    return Response(
      isPartial ? .partialContent : .ok, headers: headers, body: .stream(download.content, length: length))
  }

  private func attachmentHeaders(_ attachment: Attachment, _ form: AttachmentForm) -> HTTPFields {
    var headers: HTTPFields = [
      .contentType: attachment.contentType, .acceptRanges: attachment.encoding == nil ? "bytes" : "none",
    ]
    if let encoding = attachment.encoding, form == .stored { headers[.contentEncoding] = encoding.rawValue }
    if attachment.encoding != nil { headers[.vary] = "Accept-Encoding" }
    headers.isolateContent(of: attachment.contentType)
    return headers
  }

  private func contentRange(_ download: AttachmentDownload) -> String {
    let total = download.attachment.length.map(String.init) ?? "*"
    return "bytes \(download.range.lowerBound)-\(download.range.upperBound - 1)/\(total)"
  }

  private func multipleRanges(
    _ ranges: [AttachmentRange], of attachment: Attachment,
    _ read: (AttachmentRange) async throws -> AttachmentDownload
  ) async throws -> Response {
    var parts: [MultipartPart] = []
    for range in ranges {
      let download = try await read(range)
      parts.append(
        MultipartPart(
          headers: [.contentType: attachment.contentType, .contentRange: contentRange(download)],
          body: .stream(download.content, length: Int64(download.range.count))))
    }
    let writer = MultipartWriter()
    var headers: HTTPFields = [.contentType: writer.contentType("byteranges")]
    headers.isolateContent(of: attachment.contentType)
    return Response(.partialContent, headers: headers, body: writer.body(of: parts))
  }

  // MARK: Writing

  private func putAttachment(
    _ name: String, of id: DocumentID, _ context: DatabaseContext
  ) async throws -> Response {
    try await authorizeWriting(of: id, context)
    try id.validate()
    let request = context.request
    let content: Attachment.Content =
      switch request.body {
      case .empty: .data([])
      case .bytes(let bytes): .data(bytes)
      case .stream(let stream, _): .stream(stream)
      }
    var attachment = Attachment(content, contentType: request.headers[.contentType] ?? "application/octet-stream")
    switch request.headers[.contentEncoding]?.lowercased() {
    case nil, "identity": attachment.length = request.body.length
    case "gzip":
      attachment.encoding = .gzip
      attachment.encodedLength = request.body.length
    default:
      throw PouchError(.unsupportedMediaType, "Only gzip and identity content-encodings are supported")
    }
    if let digest = request.headers[.contentMD5] { attachment.digest = "md5-\(digest)" }
    let revision = try await context.database.putAttachment(
      name, attachment, to: id, at: try request.revision(ofDocument: nil))
    var response = written(.created, id, revision)
    response.headers[.location] = request.location(context.name, id.text, name)
    return response
  }

  private func deleteAttachment(
    _ name: String, of id: DocumentID, _ context: DatabaseContext
  ) async throws -> Response {
    try await authorizeWriting(of: id, context)
    guard let revision = try context.request.revision(ofDocument: nil) else {
      // What is not there is told first.
      let document = try await context.database.get(id, GetOptions())
      guard document.attachments[ExactString(name)] != nil else {
        throw PouchError(.notFound, "Document is missing attachment")
      }
      throw PouchError.conflict
    }
    return written(.ok, id, try await context.database.removeAttachment(name, of: id, at: revision))
  }

  private func authorizeWriting(of id: DocumentID, _ context: DatabaseContext) async throws {
    try await context.authorize(.writeDocuments)
    try context.checkNotReserved(id)
    if id.isDesign { try await context.authorize(.writeDesignDocuments) }
  }
}

extension HTTPFields {
  /// Keeps content that somebody uploaded from acting in the name of this server: it runs no scripts, is what its type
  /// says, and is not shown in place, but for raster images.
  mutating func isolateContent(of type: String) {
    self[.contentSecurityPolicy] = "sandbox"
    self[.xContentTypeOptions] = "nosniff"
    switch ParameterizedValue(type).value {
    case "image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp": break
    default: self[.contentDisposition] = "attachment"
    }
  }
}

extension Request {
  /// Whether the client takes gzip (RFC 9110, section 12.5.3), and says so by its name.
  fileprivate var acceptsGzip: Bool {
    headers[values: .acceptEncoding].flatMap { $0.split(separator: ",") }.contains { coding in
      let coding = ParameterizedValue(coding)
      return coding.value == "gzip" && coding.parameters["q"].flatMap(Double.init) != 0
    }
  }
}

extension HTTPField.Name {
  fileprivate static let contentMD5 = Self("Content-MD5")!
}
