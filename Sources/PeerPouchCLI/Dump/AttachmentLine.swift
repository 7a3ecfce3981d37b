import Foundation
import PeerPouch

/// A line of a dump that holds a part of an attachment too large to stand within its document's line.
///
/// `{"attachment":NAME,"_id":ID,"_rev":REV,"offset":N,"data":BASE64}`; the bytes are those that are stored, compressed
/// if the document says so.
struct AttachmentLine: Sendable {
  let name: ExactString
  let id: DocumentID?
  let revision: RevisionID?
  let offset: Int64
  let data: [UInt8]

  init(_ name: ExactString, of id: DocumentID?, at revision: RevisionID?, offset: Int64, data: [UInt8]) {
    self.name = name
    self.id = id
    self.revision = revision
    self.offset = offset
    self.data = data
  }

  private static let start = Array("{\"attachment\":".utf8)

  /// Reads a line.
  /// - Returns: `nil` if the line is something else, such as a document.
  init?(parsing line: [UInt8]) {
    // Documents start with other members as a rule, and are not parsed twice then.
    guard line.starts(with: AttachmentLine.start), let object = try? JSON(parsing: line).object, object.count == 5,
      let name = object["attachment"]?.string, let id = object["_id"], let revision = object["_rev"],
      let offset = object["offset"]?.int, let text = object["data"]?.string, let data = Data(base64Encoded: text)
    else { return nil }
    self.name = ExactString(name)
    self.id = id.string.map { DocumentID($0) }
    self.revision = revision.string.flatMap { try? RevisionID($0) }
    self.offset = Int64(offset)
    self.data = Array(data)
  }

  var encoded: [UInt8] {
    var writer = JSONWriter(capacity: data.count * 4 / 3 + 256)
    writer.raw(AttachmentLine.start)
    writer.write(name.string)
    writer.raw(",\"_id\":")
    if let id { writer.write(id.text) } else { writer.raw("null") }
    writer.raw(",\"_rev\":")
    if let revision { writer.write(revision) } else { writer.raw("null") }
    writer.raw(",\"offset\":")
    writer.write(offset)
    writer.raw(",\"data\":\"")
    writer.raw(Data(data).base64EncodedString().utf8)
    writer.raw("\"}")
    return writer.bytes
  }
}

extension Attachment {
  /// The number of bytes that its content has: those of the compressed form, if it has one.
  var storedLength: Int64? { encoding == nil ? length : encodedLength }
}

extension Document {
  /// The same document with its attachments in the order of their names, and the content of small ones in memory.
  /// - Parameters:
  ///   - each: the most bytes that one of them may have to be taken into memory.
  ///   - total: the most bytes that are taken into memory.
  func inliningAttachments(upTo each: Int64, inAll total: Int64) async throws -> Document {
    guard !attachments.isEmpty else { return self }
    var document = self
    document.attachments = Attachments()
    var left = total
    for (name, attachment) in attachments.sorted(by: { $0.name < $1.name }) {
      var attachment = attachment
      if case .stream(let content) = attachment.content, let length = attachment.storedLength, length <= min(each, left)
      {
        attachment.content = .data(try await content.bytes())
        left -= length
      }
      document.attachments[name] = attachment
    }
    return document
  }
}
