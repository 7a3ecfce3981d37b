public import PouchCore

/// A share's record that its owner signed: what a share document carries as `peerpouch: {v: 1, r, g}`.
public struct SignedRecord: Sendable, Hashable {
  /// The type of share documents, the seed's.
  public static let documentType = "com.stemstorage.peerpouch.share"

  public let record: ShareRecord
  /// `r`: the bytes that were signed.
  let bytes: [UInt8]
  /// `g`
  let signature: [UInt8]

  /// Signs a record.
  /// - Precondition: the identity is the record's owner.
  public init(_ record: ShareRecord, signedBy identity: Identity) {
    precondition(record.owner == identity.key, "A record is signed by its owner.")
    self.record = record
    bytes = record.encoded
    signature = identity.sign(SignedRecord.message(bytes))
  }

  /// Reads and verifies a share document.
  /// - Throws: what is wrong with it: ``Rejection/size``, ``Rejection/form(_:)``, ``Rejection/body(_:)``,
  ///   ``Rejection/id`` or ``Rejection/signature``, in this order.
  public init(_ document: Document) throws(Rejection) {
    guard document.body.bytes.count <= TrustLimits.shareDocument else { throw .size }
    (bytes, signature) = try Result { () throws(Flaw) in
      let fields = try Fields(document.body.json, named: "json")
      guard !document.isDeleted, fields.value("type")?.string == SignedRecord.documentType else {
        throw Flaw(member: "type")
      }
      let ours = try fields.fields("peerpouch")
      guard ours.value("v")?.int == 1 else { throw Flaw(member: "v") }
      return (try ours.bytes("r"), try ours.bytes("g", count: Identity.signatureLength))
    }.orForm()
    guard bytes.count <= TrustLimits.record else { throw .size }
    record = try ShareRecord(parsing: bytes)
    guard let id = document.id?.text, id == record.id.text else { throw .id }
    guard record.owner.verifies(signature, of: SignedRecord.message(bytes)) else { throw .signature }
  }

  /// The document that says so in a hub. The outer name and info are there for old readers.
  public var document: Document {
    Document(
      id: DocumentID(record.id.text),
      fields: [
        "type": JSON(SignedRecord.documentType),
        "name": JSON(record.name),
        "info": record.info,
        "peerpouch": ["v": 1, "r": JSON(Base64URL.encode(bytes)), "g": JSON(Base64URL.encode(signature))],
      ])
  }

  private static func message(_ record: [UInt8]) -> [UInt8] {
    Parts.join("pp1 record", .bytes(record))
  }
}
