import PouchCore

/// An attachment as it is noted with a stored revision, in JSON.
struct StoredAttachment: Sendable {
  var name: ExactString
  var contentType: String
  var digest: String
  var length: Int64
  var revisionPosition: Int
  var encoding: Attachment.Encoding?
  /// The number of bytes in the blob.
  var storedLength: Int64
  var blob: Int64

  /// The public description, without content.
  var stub: Attachment {
    var attachment = Attachment(.stub, contentType: contentType, digest: digest)
    attachment.length = length
    attachment.revisionPosition = revisionPosition
    attachment.encoding = encoding
    attachment.encodedLength = encoding == nil ? nil : storedLength
    return attachment
  }

  static func encode(_ attachments: [StoredAttachment]) -> [UInt8] {
    var writer = JSONWriter()
    writer.write(
      .array(
        attachments.map { attachment in
          [
            "name": .string(attachment.name), "type": JSON(attachment.contentType), "digest": JSON(attachment.digest),
            "length": JSON(attachment.length), "revpos": JSON(attachment.revisionPosition),
            "encoding": attachment.encoding.map { JSON($0.rawValue) } ?? .null,
            "stored": JSON(attachment.storedLength), "blob": JSON(attachment.blob),
          ]
        }))
    return writer.bytes
  }

  static func decode(_ bytes: [UInt8]) throws(PouchError) -> [StoredAttachment] {
    guard !bytes.isEmpty else { return [] }
    var attachments: [StoredAttachment] = []
    guard let list = try? JSON(parsing: bytes).array else { throw damaged }
    for json in list {
      guard let name = json["name"]?.string, let type = json["type"]?.string, let digest = json["digest"]?.string,
        let length = json["length"]?.int, let position = json["revpos"]?.int, let stored = json["stored"]?.int,
        let blob = json["blob"]?.int
      else { throw damaged }
      attachments.append(
        StoredAttachment(
          name: ExactString(name), contentType: type, digest: digest, length: Int64(length), revisionPosition: position,
          encoding: json["encoding"]?.string.flatMap { Attachment.Encoding(rawValue: $0) }, storedLength: Int64(stored),
          blob: Int64(blob)))
    }
    return attachments
  }

  private static var damaged: PouchError {
    PouchError(.corrupt, "The attachments of a stored revision are damaged.")
  }
}
