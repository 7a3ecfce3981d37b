import Foundation
import PouchCore

/// The tables of attachments' bytes.
enum BlobTable {
  /// The number of a piece stands in the lower bits of its key: 2^24 pieces of 256 KiB are 4 TiB.
  private static let chunkBits: Int64 = 24

  private static func key(_ blob: Int64, _ chunk: Int64) -> Int64 { blob << chunkBits | chunk }

  private static var now: Int64 { Int64(Date().timeIntervalSince1970) }

  /// Starts a blob whose content is not complete yet.
  /// - Parameter md5: what the content's digest will be, if known: then the upload can be resumed.
  static func insertStaged(md5: [UInt8]? = nil, _ connection: Connection) throws -> Int64 {
    let insert = try connection.statement("INSERT INTO blob(length, touched, md5) VALUES (0, ?1, ?2)").bind(1, now)
    try (md5.map { insert.bind(2, $0) } ?? insert.bindNull(2)).run()
    return connection.lastInsertedRow
  }

  /// An upload that was cut short, of content with this digest.
  /// - Parameter idle: only one that was not touched for so many seconds.
  static func partial(
    md5: [UInt8], idle: Int64, butNot pinned: Set<Int64>, _ connection: Connection
  ) throws -> (blob: Int64, length: Int64)? {
    let select = try connection.statement(
      """
      SELECT id, length FROM blob WHERE sha256 IS NULL AND md5 = ?1 AND touched > 0 AND touched <= ?2
      AND length > 0 AND length % ?3 = 0 ORDER BY length DESC
      """
    ).bind(1, md5).bind(2, now - idle).bind(3, Int64(StoreTuning.chunkSize))
    defer { select.reset() }
    while try select.step() {
      if !pinned.contains(select.int(0)) { return (select.int(0), select.int(1)) }
    }
    return nil
  }

  static func insertChunks(
    _ bytes: [UInt8], of blob: Int64, from first: Int64, _ connection: Connection
  ) throws {
    guard first + Int64(bytes.count / StoreTuning.chunkSize) < 1 << chunkBits else {
      throw PouchError(.documentTooLarge, "The attachment is too large.")
    }
    // Those of the transaction before: pages can be dropped once they are written.
    connection.releaseMemory()
    let insert = try connection.statement("INSERT INTO chunk(key, data) VALUES (?1, ?2)")
    var number = first
    var start = 0
    while start < bytes.count {
      let end = min(start + StoreTuning.chunkSize, bytes.count)
      try insert.bind(1, key(blob, number)).bind(2, bytes[start..<end]).run()
      number += 1
      start = end
    }
    try connection.statement("UPDATE blob SET length = length + ?2, touched = ?3 WHERE id = ?1 AND touched > 0")
      .bind(1, blob).bind(2, Int64(bytes.count)).bind(3, now).run()
    guard connection.changedRows == 1 else { throw swept }
  }

  /// Makes prepared content a blob that revisions can use; equal content is stored once.
  /// - Returns: the blob's id.
  static func link(_ blob: PreparedBlob, _ connection: Connection) throws -> Int64 {
    if let known = try find(blob, connection) { return known }
    let id: Int64
    switch blob.location {
    case .memory(let bytes):
      id = try insertStaged(connection)
      try insertChunks(bytes, of: id, from: 0, connection)
    case .staged(let pin):
      id = pin.blob
    }
    try connection.statement("UPDATE blob SET sha256 = ?2, md5 = ?3 WHERE id = ?1 AND touched > 0")
      .bind(1, id).bind(2, blob.sha256).bind(3, blob.md5).run()
    guard connection.changedRows == 1 else { throw swept }
    return id
  }

  /// What became of an upload that was marked for removal, as another process may do after a long silence.
  private static let swept = PouchError(.ioError, "The upload took too long and was removed.")

  /// Whether nothing was linked to an upload.
  static func isUnlinked(_ blob: Int64, _ connection: Connection) throws -> Bool {
    let select = try connection.statement("SELECT 1 FROM blob WHERE id = ?1 AND sha256 IS NULL").bind(1, blob)
    defer { select.reset() }
    return try select.step()
  }

  private static func find(_ blob: PreparedBlob, _ connection: Connection) throws -> Int64? {
    let find = try connection.statement("SELECT id FROM blob WHERE sha256 = ?1 AND length = ?2")
      .bind(1, blob.sha256).bind(2, blob.storedLength)
    defer { find.reset() }
    return try find.step() ? find.int(0) : nil
  }

  /// Notes that a stored revision uses blobs.
  static func use(_ blobs: some Sequence<Int64>, by revision: Int64, _ connection: Connection) throws {
    let insert = try connection.statement("INSERT OR IGNORE INTO attachment(revision, blob) VALUES (?1, ?2)")
    for blob in blobs { try insert.bind(1, revision).bind(2, blob).run() }
  }

  /// Notes that a stored revision is gone; what only it used waits for the sweep.
  static func release(by revision: Int64, _ connection: Connection) throws {
    try connection.statement(
      "UPDATE blob SET touched = ?2 WHERE id IN (SELECT blob FROM attachment WHERE revision = ?1)"
    ).bind(1, revision).bind(2, now).run()
    try connection.statement("DELETE FROM attachment WHERE revision = ?1").bind(1, revision).run()
  }

  /// Marks a blob without a user for removal: nothing can be linked to it any more.
  static func doom(_ blob: Int64, _ connection: Connection) throws {
    try connection.statement("UPDATE blob SET sha256 = NULL, touched = 0 WHERE id = ?1").bind(1, blob).run()
  }

  /// The blobs marked for removal, by this compaction or one that was interrupted.
  static func doomed(_ connection: Connection) throws -> [Int64] {
    let select = try connection.statement("SELECT id FROM blob WHERE touched = 0 AND sha256 IS NULL")
    var ids: [Int64] = []
    while try select.step() { ids.append(select.int(0)) }
    return ids
  }

  /// Removes some pieces of a blob, 16 MiB at most so that other writers get their turn.
  /// - Returns: whether the blob is gone.
  static func deleteSome(of blob: Int64, _ connection: Connection) throws -> Bool {
    let pieces: Int64 = 64
    try connection.statement(
      "DELETE FROM chunk WHERE key IN (SELECT key FROM chunk WHERE key BETWEEN ?1 AND ?2 LIMIT ?3)"
    ).bind(1, key(blob, 0)).bind(2, key(blob + 1, 0) - 1).bind(3, pieces).run()
    guard connection.changedRows < pieces else { return false }
    try connection.statement("DELETE FROM blob WHERE id = ?1").bind(1, blob).run()
    return true
  }

  /// The blobs that no stored revision uses, without uploads that may yet be resumed.
  /// - Parameter idle: only those not touched for so many seconds.
  static func orphans(idle: Int64, _ connection: Connection) throws -> [Int64] {
    let select = try connection.statement(
      """
      SELECT id FROM blob WHERE touched <= ?1
      AND (sha256 IS NOT NULL OR md5 IS NULL OR touched <= ?2)
      AND NOT EXISTS (SELECT 1 FROM attachment WHERE attachment.blob = blob.id)
      """
    ).bind(1, now - idle).bind(2, now - StoreTuning.resumableSeconds)
    var ids: [Int64] = []
    while try select.step() { ids.append(select.int(0)) }
    return ids
  }

  /// The bytes of a blob, piece by piece, each by a short read of its own.
  static func stream(_ pin: BlobPins.Pin, _ range: Range<Int64>, from store: Store) -> ByteStream {
    let chunkSize = Int64(StoreTuning.chunkSize)
    return ByteStream(seekable: { offset in
      var position = range.lowerBound + offset
      return {
        guard position < range.upperBound else { return nil }
        try Task.checkCancellation()
        let number = position / chunkSize
        let start = position % chunkSize
        let wanted = min(range.upperBound - position, chunkSize - start)
        let bytes = try store.readOnce { connection in
          let select = try connection.statement("SELECT data FROM chunk WHERE key = ?1").bind(1, key(pin.blob, number))
          defer {
            select.reset()
            connection.releaseMemory()
          }
          guard try select.step() else { throw PouchError.missing }
          return try select.withBytes(0) { data in
            guard data.count >= start + wanted else { throw PouchError(.corrupt, "An attachment is cut short.") }
            return Array(data[Int(start)..<Int(start + wanted)])
          }
        }
        position += wanted
        return bytes
      }
    })
  }
}
