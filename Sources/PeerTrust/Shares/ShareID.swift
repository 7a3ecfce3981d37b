/// Which share: an id that commits to the key of its owner.
///
/// `uuid = H(L("pp1 share", owner, salt))[0..<16]` with the marks of version 8 (RFC 9562, section 5.8). Whoever has the id
/// can therefore tell whether a record is its owner's.
public struct ShareID: Sendable, Hashable, CustomStringConvertible {
  /// The UUID, 16 bytes.
  let uuid: [UInt8]

  /// The `_id` of the share document, `share-` and the UUID in lower case.
  public var text: String { "share-" + UUIDText.of(uuid) }

  /// The id of a share of this owner.
  public init(owner: IdentityKey, salt: ShareSalt) {
    let digest = Primitives.hash(Parts.join("pp1 share", .bytes(owner.bytes), .bytes(salt.bytes)))
    uuid = UUIDText.marked(Array(digest.prefix(16)), version: 8)
  }

  /// - Returns: `nil` unless the text is an id as ``text`` writes it, in lower case, of version 8.
  public init?(_ text: String) {
    guard text.utf8.starts(with: "share-".utf8), let uuid = UUIDText.bytes(of: text.dropFirst(6)) else { return nil }
    self.init(uuid: uuid)
  }

  /// - Returns: `nil` unless these are 16 bytes with the marks of version 8.
  init?(uuid: [UInt8]) {
    guard UUIDText.isMarked(uuid, version: 8) else { return nil }
    self.uuid = uuid
  }

  public var description: String { text }
}

/// What tells the shares of one owner apart. It is kept with the database, so that sharing it again gives the same id.
public struct ShareSalt: Sendable, Hashable {
  /// 16 bytes.
  public let bytes: [UInt8]

  /// A new salt.
  public init(using generator: inout some RandomNumberGenerator) {
    bytes = .random(16, using: &generator)
  }

  /// - Returns: `nil` unless these are 16 bytes.
  public init?(_ bytes: [UInt8]) {
    guard bytes.count == 16 else { return nil }
    self.bytes = bytes
  }
}
