import Crypto
import Foundation
import PouchCore

/// A document that passed every check that needs no look at the database, ready for the writer.
///
/// A class, because batches of them are handed on: a copy of all of these fields would cost several counted references.
final class PreparedDocument: Sendable {
  enum Content: Sendable {
    /// New bytes.
    case new(PreparedBlob)
    /// Bytes that an earlier revision has; the digest must match if one was given.
    case stub(digest: String?)
  }

  struct PreparedAttachment: Sendable {
    let name: ExactString
    let contentType: String
    let encoding: Attachment.Encoding?
    let revisionPosition: Int?
    let content: Content
  }

  let id: DocumentID
  let mode: WriteMode
  let isDeleted: Bool
  let body: JSONText
  /// With ``WriteMode/edits``.
  let bodyDigest: Insecure.MD5Digest?
  let attachments: [PreparedAttachment]
  /// The revision that an edit makes if the document is new; `nil` where that depends on what the database has. It is
  /// computed here because the writer is one for all.
  let firstRevision: RevisionID?
  /// With ``WriteMode/edits`` the revision that is edited, if any; with ``WriteMode/replicated`` the revision itself and
  /// its ancestors, newest first.
  let path: [RevisionID]

  /// Checks a document, and brings its attachments' new content to where the writer can link it.
  /// - Throws: what makes the document unacceptable.
  init(_ document: Document, _ mode: WriteMode, bodyLimit: Int, store: Store) async throws {
    id = document.id ?? DocumentID(UUID().uuidString.lowercased())
    try id.validate()
    guard document.body.bytes.count <= bodyLimit else {
      throw PouchError(.documentTooLarge, id.text)
    }
    try document.validateBody()
    self.mode = mode
    isDeleted = document.isDeleted
    body = document.body
    path = try PreparedDocument.path(of: document, mode)
    bodyDigest = mode == .edits ? RevisionDigest.ofBody(document.body) : nil
    var prepared: [PreparedAttachment] = []
    for (name, attachment) in document.attachments {
      try PreparedDocument.check(name)
      prepared.append(
        PreparedAttachment(
          name: name, contentType: attachment.contentType, encoding: attachment.encoding,
          revisionPosition: attachment.revisionPosition,
          content: try await PreparedDocument.content(of: attachment, store)))
    }
    attachments = prepared
    let mayBeNew = mode == .edits && path.isEmpty && prepared.isEmpty && !id.isLocal
    firstRevision =
      mayBeNew
      ? try RevisionDigest.next(after: nil, isDeleted: isDeleted, bodyDigest: bodyDigest, attachments: []) : nil
  }

  private static func path(of document: Document, _ mode: WriteMode) throws -> [RevisionID] {
    if document.id?.isLocal == true { return document.revision.map { [$0] } ?? [] }
    switch mode {
    case .edits: return document.revision.map { [$0] } ?? []
    case .replicated: return try document.replicatedPath
    }
  }

  private static func check(_ name: ExactString) throws {
    if name.string.utf8.isEmpty || name.string.utf8.count > Limits.attachmentName {
      throw PouchError(.badRequest, "Attachment name is empty or too long")
    }
    if name.hasPrefix("_") {
      throw PouchError(.badRequest, "Attachment name '\(name)' starts with prohibited character '_'")
    }
  }

  private static func content(of attachment: Attachment, _ store: Store) async throws -> Content {
    let stream: ByteStream
    switch attachment.content {
    case .stub: return .stub(digest: attachment.digest)
    case .data(let bytes): stream = ByteStream(bytes)
    case .stream(let bytes): stream = bytes
    }
    return .new(
      try await BlobUpload.read(
        stream, encoding: attachment.encoding, digest: attachment.digest, length: attachment.deliveredLength,
        into: store))
  }
}

extension Attachment {
  /// How many bytes the content has as it is delivered, if known.
  fileprivate var deliveredLength: Int64? { encoding == nil ? length : encodedLength }
}
