#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension Document {
  /// The JSON form, as CouchDB's API gives it: the body with CouchDB's own members around it, spliced and not parsed.
  public var encoded: [UInt8] {
    var writer = JSONWriter(capacity: body.bytes.count + 128)
    writer.write(self)
    return writer.bytes
  }

  /// The JSON form as a value.
  public var json: JSON {
    JSONText(stored: encoded).json
  }
}

extension JSONWriter {
  /// Appends a document with all that it carries.
  public mutating func write(_ document: Document) {
    var isFirst = true
    func separate(_ writer: inout JSONWriter) {
      if !isFirst { writer.raw(byte: 0x2C) }
      isFirst = false
    }
    raw(byte: 0x7B)
    if let id = document.id {
      separate(&self)
      raw("\"_id\":")
      write(id.text)
    }
    if let revision = document.revision {
      separate(&self)
      raw("\"_rev\":")
      write(revision)
    }
    if document.body.bytes.count > 2 {
      separate(&self)
      raw(document.body.bytes[1..<document.body.bytes.count - 1])
    }
    if document.isDeleted {
      separate(&self)
      raw("\"_deleted\":true")
    }
    if let revisions = document.revisions, let newest = revisions.first {
      separate(&self)
      raw("\"_revisions\":{\"start\":")
      write(newest.generation)
      raw(",\"ids\":[")
      writeList(revisions) { $0.write($1.suffix) }
      raw("]}")
    }
    if let metadata = document.metadata {
      write(metadata, separate: separate)
    }
    if !document.attachments.isEmpty {
      separate(&self)
      raw("\"_attachments\":{")
      writeList(document.attachments) { writer, element in
        writer.write(element.name.string)
        writer.raw(byte: 0x3A)
        writer.write(element.value)
      }
      raw(byte: 0x7D)
    }
    raw(byte: 0x7D)
  }

  private mutating func write(_ metadata: Document.Metadata, separate: (inout JSONWriter) -> Void) {
    if let infos = metadata.revisionsInfo {
      separate(&self)
      raw("\"_revs_info\":[")
      writeList(infos) { writer, info in
        writer.raw("{\"rev\":")
        writer.write(info.revision)
        writer.raw(",\"status\":")
        writer.write(info.status.rawValue)
        writer.raw(byte: 0x7D)
      }
      raw(byte: 0x5D)
    }
    if let sequence = metadata.localSequence {
      separate(&self)
      raw("\"_local_seq\":")
      write(sequence.description)
    }
    for (name, list) in [("_conflicts", metadata.conflicts), ("_deleted_conflicts", metadata.deletedConflicts)] {
      guard let list, !list.isEmpty else { continue }
      separate(&self)
      write(name)
      raw(":[")
      writeList(list) { $0.write($1) }
      raw(byte: 0x5D)
    }
  }

  /// Appends an entry of `_attachments`. Streams are shown as `follows`, as in multipart documents.
  mutating func write(_ attachment: Attachment) {
    raw("{\"content_type\":")
    write(attachment.contentType)
    if let position = attachment.revisionPosition {
      raw(",\"revpos\":")
      write(position)
    }
    if let digest = attachment.digest {
      raw(",\"digest\":")
      write(digest)
    }
    if let length = attachment.length {
      raw(",\"length\":")
      write(length)
    }
    if let encoding = attachment.encoding {
      raw(",\"encoding\":")
      write(encoding.rawValue)
    }
    if let length = attachment.encodedLength {
      raw(",\"encoded_length\":")
      write(length)
    }
    switch attachment.content {
    case .stub: raw(",\"stub\":true")
    case .stream: raw(",\"follows\":true")
    case .data(let bytes):
      raw(",\"data\":\"")
      raw(Data(bytes).base64EncodedString().utf8)
      raw(byte: 0x22)
    }
    raw(byte: 0x7D)
  }

  /// Appends elements with commas between them.
  public mutating func writeList<Element>(
    _ elements: some Sequence<Element>, _ body: (inout JSONWriter, Element) -> Void
  ) {
    var isFirst = true
    for element in elements {
      if !isFirst { raw(byte: 0x2C) }
      isFirst = false
      body(&self, element)
    }
  }
}
