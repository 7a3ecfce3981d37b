import PeerTrust
import PouchCore

/// The salt of a shared database, kept with it in a `_local` document, so that sharing it again gives the same id.
///
/// Local documents are not replicated: a copy of the database is another share.
enum ShareSalts {
  static let documentID: DocumentID = "_local/peerpouch-share"

  /// The salt of a database; `nil` if it was never shared.
  /// - Throws: what reading throws.
  static func read(from database: any Database) async throws -> ShareSalt? {
    do {
      let document = try await database.get(documentID)
      return document["salt"]?.array.map { $0.compactMap { $0.int.flatMap(UInt8.init(exactly:)) } }.flatMap(
        ShareSalt.init)
    } catch let error as PouchError where error.code == .notFound {
      return nil
    }
  }

  /// The salt of a database; a new one if it was never shared.
  /// - Throws: what reading and writing throw.
  static func salt(of database: any Database, using random: RandomSource) async throws -> ShareSalt {
    if let salt = try await read(from: database) { return salt }
    var generator = random
    let salt = ShareSalt(using: &generator)
    let document = Document(id: documentID, fields: ["salt": .array(salt.bytes.map { JSON($0) })])
    do {
      _ = try await database.put(document)
      return salt
    } catch let error as PouchError where error.code == .conflict {
      // Somebody else has shared it for the first time just now.
      guard let salt = try await read(from: database) else { throw error }
      return salt
    }
  }
}
