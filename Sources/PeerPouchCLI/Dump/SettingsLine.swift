import PeerPouch

/// The line of a dump that holds the settings of the database: `{"_settings":{"revs_limit":N}}`.
///
/// It comes first, and only when a setting is not that of a new database. No document has such a member, so that it is
/// never taken for one.
struct SettingsLine: Sendable, Hashable {
  /// How many ancestors of each leaf are remembered.
  let revsLimit: Int

  init(revsLimit: Int) {
    self.revsLimit = revsLimit
  }

  private static let start = Array("{\"_settings\":".utf8)

  /// Reads a line.
  /// - Returns: `nil` if the line is something else, such as a document.
  /// - Throws: ``Unreadable`` for settings that this version does not know, or that cannot be.
  init?(parsing line: [UInt8]) throws(Unreadable) {
    guard line.starts(with: SettingsLine.start) else { return nil }
    guard let object = try? JSON(parsing: line).object, object.count == 1, let settings = object["_settings"]?.object
    else { throw Unreadable(reason: "These are no settings of a database.") }
    for (name, _) in settings where name != "revs_limit" {
      throw Unreadable(reason: "The setting \(name) is not known; the dump may be of a newer version.")
    }
    guard let limit = settings["revs_limit"]?.int, limit >= 1 else {
      throw Unreadable(reason: "revs_limit must be a positive integer.")
    }
    revsLimit = limit
  }

  /// The settings of a database; `nil` if they are those of a new one.
  init?(of database: any Database) async throws {
    let limit = try await database.revsLimit()
    guard limit != Limits.revisions else { return nil }
    revsLimit = limit
  }

  var encoded: [UInt8] {
    JSONText(["_settings": ["revs_limit": JSON(revsLimit)]]).bytes
  }

  /// Why a line of settings cannot be read.
  struct Unreadable: Error {
    let reason: String
  }
}
