import Crypto
import PouchCore

/// Makes the ids of local edits: digests of what the edit says and of the revision it was made from.
///
/// The same edit of the same parent gets the same id on every machine, so that two peers that make it do not conflict.
/// The digest is MD5 (16 bytes, as CouchDB's ids have; nothing depends on its strength) over, in this order, each
/// preceded by its length as 8 bytes, little-endian: `deleted` or nothing; the parent's id or nothing; the MD5 of the
/// body in canonical form; for each attachment, by name, its name, type, digest and encoding.
enum RevisionDigest {
  /// The part that does not depend on the parent, and can be computed before the transaction.
  static func ofBody(_ body: JSONText) -> Insecure.MD5Digest {
    Insecure.MD5.hash(data: body.canonicalBytes)
  }

  /// The generation of an edit.
  /// - Throws: ``PouchError/Code/badRequest`` after the highest there is, which only other databases can have made.
  static func generation(after parent: RevisionID?) throws(PouchError) -> Int {
    let generation = parent?.generation ?? 0
    guard generation < Limits.generation else {
      throw PouchError(.badRequest, "The revision's generation cannot be counted on.")
    }
    return generation + 1
  }

  static func next(
    after parent: RevisionID?, isDeleted: Bool, bodyDigest: Insecure.MD5Digest?, attachments: [StoredAttachment]
  ) throws(PouchError) -> RevisionID {
    let generation = try generation(after: parent)
    var input: [UInt8] = []
    input.reserveCapacity(96)
    func add(_ part: some Collection<UInt8>) {
      withUnsafeBytes(of: UInt64(part.count).littleEndian) { input.append(contentsOf: $0) }
      input.append(contentsOf: part)
    }
    add((isDeleted ? "deleted" : "").utf8)
    add((parent?.description ?? "").utf8)
    bodyDigest?.withUnsafeBytes { add($0) }
    for attachment in attachments.sorted(by: { $0.name < $1.name }) {
      add(attachment.name.string.utf8)
      add(attachment.contentType.utf8)
      add(attachment.digest.utf8)
      add((attachment.encoding?.rawValue ?? "").utf8)
    }
    return Insecure.MD5.hash(data: input).withUnsafeBytes { digest in
      func word(at offset: Int) -> UInt64 {
        UInt64(bigEndian: digest.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      }
      return RevisionID(generation: generation, digestWords: (word(at: 0), word(at: 8)))
    }
  }
}
