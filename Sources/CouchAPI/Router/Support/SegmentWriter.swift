import PouchCore

/// How the attachments of documents are shown.
struct AttachmentForms: Sendable, Hashable {
  /// What is said of an attachment whose bytes were asked for.
  enum Bytes: Sendable, Hashable {
    /// They stand in the document, as base64 of the uncompressed form.
    case inline
    /// They come in another part of the same message.
    case follow
  }

  /// Whether the form in which an attachment is stored is told: `att_encoding_info`.
  enum Encoding: Sendable, Hashable {
    case hidden
    case told
  }

  var bytes = Bytes.inline
  var encoding = Encoding.hidden

  /// What a request asks for.
  init(_ query: Query, bytes: Bytes = .inline) {
    self.bytes = bytes
    encoding = query.flag("att_encoding_info") ? .told : .hidden
  }
}

/// Writes JSON with documents in it whose attachments may be long.
struct SegmentWriter: Sendable {
  private(set) var segments: [BodySegment] = []
  /// The text that is being written.
  var json: JSONWriter
  private let database: any Database
  private let forms: AttachmentForms

  init(_ database: any Database, _ forms: AttachmentForms, capacity: Int = 0) {
    self.database = database
    self.forms = forms
    json = JSONWriter(capacity: capacity)
  }

  /// All that was written; the writer is empty afterwards.
  mutating func take() -> [BodySegment] {
    defer { segments = [] }
    flush()
    return segments
  }

  private mutating func flush() {
    guard !json.bytes.isEmpty else { return }
    segments.append(.bytes(json.bytes))
    json = JSONWriter()
  }

  /// Appends a document as the request wants its attachments.
  mutating func write(_ document: Document) {
    guard !document.attachments.isEmpty else { return json.write(document) }
    var bare = document
    bare.attachments = [:]
    let encoded = bare.encoded
    json.raw(encoded.dropLast())
    if encoded.count > 2 { json.raw(byte: 0x2C) }
    json.raw("\"_attachments\":{")
    var isFirst = true
    for (name, attachment) in document.attachments {
      if !isFirst { json.raw(byte: 0x2C) }
      isFirst = false
      json.write(name.string)
      json.raw(byte: 0x3A)
      write(attachment, name.string, of: document)
    }
    json.raw("}}")
  }

  private mutating func write(_ attachment: Attachment, _ name: String, of document: Document) {
    json.raw("{\"content_type\":")
    json.write(attachment.contentType)
    if let position = attachment.revisionPosition {
      json.raw(",\"revpos\":")
      json.write(position)
    }
    if let digest = attachment.digest {
      json.raw(",\"digest\":")
      json.write(digest)
    }
    switch (attachment.content, forms.bytes) {
    case (.stub, _):
      writeLength(attachment)
      json.raw(",\"stub\":true")
    case (_, .follow):
      writeLength(attachment)
      json.raw(",\"follows\":true")
    case (.data(let bytes), .inline):
      writeData(ByteStream(bytes))
    case (.stream(let stream), .inline):
      writeData(attachment.encoding == nil ? stream : uncompressed(name, of: document))
    }
    if forms.encoding == .told, let encoding = attachment.encoding {
      json.raw(",\"encoding\":")
      json.write(encoding.rawValue)
      if let length = attachment.encodedLength {
        json.raw(",\"encoded_length\":")
        json.write(length)
      }
    }
    json.raw(byte: 0x7D)
  }

  private mutating func writeLength(_ attachment: Attachment) {
    guard let length = attachment.length else { return }
    json.raw(",\"length\":")
    json.write(length)
  }

  private mutating func writeData(_ stream: ByteStream) {
    json.raw(",\"data\":\"")
    flush()
    segments.append(.base64(stream))
    json.raw(byte: 0x22)
  }

  /// The bytes of an attachment that is stored compressed, opened when they are read.
  private func uncompressed(_ name: String, of document: Document) -> ByteStream {
    let database = database
    let id = document.id ?? ""
    let revision = document.revision
    return ByteStream {
      var content: ByteStream.AsyncIterator?
      return {
        if content == nil {
          content = try await database.getAttachment(name, of: id, at: revision).content.makeAsyncIterator()
        }
        return try await content?.next(isolation: #isolation)
      }
    }
  }
}
