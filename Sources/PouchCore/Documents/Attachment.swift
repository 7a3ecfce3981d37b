/// A file within a document: its description, and its content when it was asked for or is being written.
public struct Attachment: Sendable {
  /// What is known of the bytes.
  public enum Content: Sendable {
    /// They are stored with an earlier revision of the same document, and were not asked for.
    case stub
    /// They are here.
    case data([UInt8])
    /// They come from, or go to, elsewhere piece by piece; for content that must not be held in memory.
    case stream(ByteStream)
  }

  /// The media type, such as `image/png`.
  public var contentType: String
  /// The bytes themselves.
  public var content: Content
  /// The number of bytes when not compressed, if known.
  public var length: Int64?
  /// `md5-` and the base64 of the MD5 of the bytes as stored. Given with content, it is verified.
  public var digest: String?
  /// The generation of the revision that brought this content.
  public var revisionPosition: Int?
  /// `gzip` when the bytes are stored, and the content given, in compressed form.
  public var encoding: Encoding?
  /// The number of bytes in compressed form; only with ``encoding``.
  public var encodedLength: Int64?

  /// How the bytes are compressed.
  public enum Encoding: String, Sendable, Hashable {
    case gzip
  }

  /// New content for an attachment.
  public init(_ content: Content, contentType: String = "application/octet-stream", digest: String? = nil) {
    self.content = content
    self.contentType = contentType
    self.digest = digest
  }

  /// New content for an attachment, from memory.
  public init(_ bytes: some Sequence<UInt8>, contentType: String = "application/octet-stream") {
    self.init(.data(Array(bytes)), contentType: contentType)
  }

  /// Whether the bytes were left where they are.
  public var isStub: Bool {
    if case .stub = content { true } else { false }
  }

  /// The bytes, if they are in memory.
  public var data: [UInt8]? {
    if case .data(let bytes) = content { bytes } else { nil }
  }
}

/// Attachments by their names, in order.
public typealias Attachments = Members<Attachment>

/// A part of an attachment, as an HTTP range (RFC 9110, section 14.1.2).
public enum AttachmentRange: Sendable, Hashable {
  /// From an offset to the end.
  case from(Int64)
  /// These bytes, cut at the end of the attachment.
  case bytes(Range<Int64>)
  /// The last bytes.
  case suffix(Int64)

  /// The offsets that this means for an attachment of some length.
  /// - Throws: ``PouchError/Code/rangeNotSatisfiable`` if no byte of it exists.
  public func resolved(length: Int64) throws(PouchError) -> Range<Int64> {
    let range: Range<Int64> =
      switch self {
      case .from(let start): start..<max(start, length)
      case .bytes(let bytes): bytes.lowerBound..<max(bytes.lowerBound, min(bytes.upperBound, length))
      case .suffix(let count): max(0, length - max(0, count))..<length
      }
    guard range.lowerBound >= 0, !range.isEmpty else { throw PouchError(.rangeNotSatisfiable) }
    return range
  }
}

/// An attachment being read.
public struct AttachmentDownload: Sendable {
  /// The description; its content is a stub.
  public let attachment: Attachment
  /// Which of the bytes ``content`` delivers; all of them unless a range was asked for.
  public let range: Range<Int64>
  /// The bytes, piece by piece.
  public let content: ByteStream

  public init(attachment: Attachment, range: Range<Int64>, content: ByteStream) {
    self.attachment = attachment
    self.range = range
    self.content = content
  }
}

/// Which form of a compressed attachment to read.
public enum AttachmentForm: Sendable, Hashable {
  /// Uncompressed.
  case identity
  /// As stored: compressed if ``Attachment/encoding`` says so.
  case stored
}
