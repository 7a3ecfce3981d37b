public import PouchCore

/// The databases that a ``Router`` serves, by name.
public protocol DatabaseSet: Sendable {
  /// All names, in ascending order.
  func names() async throws -> [String]

  /// Returns a database.
  /// - Throws: ``PouchError/Code/notFound`` with the reason `Database does not exist.`
  func database(_ name: String) async throws -> any Database

  /// Makes a database.
  /// - Throws: ``PouchError/Code/databaseExists``, or ``PouchError/Code/illegalDatabaseName``.
  func create(_ name: String) async throws

  /// Removes a database with all that is in it.
  /// - Throws: ``PouchError/Code/notFound``.
  func destroy(_ name: String) async throws

  /// The names of the databases that are being compacted, in ascending order; none for a set that does not know.
  /// Databases that nobody uses are not opened for it.
  func compacting() async throws -> [String]

  /// The security object of a database: an empty object until one is set.
  func security(of name: String) async throws -> JSON

  /// Replaces the security object.
  func setSecurity(_ security: JSON, of name: String) async throws
}

extension DatabaseSet {
  public func compacting() async throws -> [String] { [] }
}

extension DocumentID {
  /// The beginning of the ids of local documents that a ``DatabaseSet`` may keep in its databases for itself, such as
  /// the security object: a ``Router`` lets nobody write them.
  public static let reservedPrefix = "_local/peerpouch."

  var isReserved: Bool { name.hasPrefix(ExactString(DocumentID.reservedPrefix)) }
}
