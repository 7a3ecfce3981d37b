import PouchCore

/// Where the local documents of one peer are kept among those of others.
struct LocalRoom: Sendable {
  private let identity: String
  private let prefix: String

  /// - Parameter identity: who the peer is: letters and digits only, so that no room begins with another one's name.
  init(of identity: String) {
    precondition(
      !identity.isEmpty && identity.utf8.allSatisfy { LocalRoom.isPlain($0) },
      "An identity consists of letters and digits.")
    self.identity = identity
    prefix = "_local/peer-\(identity)-"
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: false
    }
  }

  /// The id within the room of a local document.
  func inside(_ id: DocumentID) -> DocumentID {
    DocumentID(prefix + String(decoding: id.text.utf8.dropFirst("_local/".utf8.count), as: UTF8.self))
  }

  /// The bounds of all of them; the second is beyond the last: the hyphen's successor stands in place of it.
  private var first: DocumentID { DocumentID(prefix) }
  private var end: DocumentID { DocumentID(prefix.dropLast() + ".") }

  /// Where the ids of all of them are kept for databases that do not list local documents. The plugin for browsers does the
  /// same.
  private var index: DocumentID { DocumentID("_local/peers-\(identity)") }

  // MARK: How many there are

  /// Sees to it that a local document can be written.
  /// - Throws: ``PouchError/Code/forbidden`` if it is new, and the peer has as many as it may have.
  func makePlace(for id: DocumentID, in base: any Database, atMost most: Int) async throws {
    guard try await read(inside(id), in: base) == nil else { return }
    do {
      let query = AllDocsQuery(from: first, to: end, .exclusive, limit: most)
      try LocalRoom.check(try await base.localDocs(query).rows.count, atMost: most)
    } catch let error as PouchError where error.code == .notImplemented {
      let present = try await read(index, in: base)
      let ids = LocalRoom.ids(in: present)
      guard !ids.contains(id.text) else { return }
      try LocalRoom.check(ids.count, atMost: most)
      try await write(ids + [id.text], over: present, in: base)
    }
  }

  /// Notes that a local document was removed.
  func forget(_ id: DocumentID, in base: any Database) async throws {
    guard let present = try await read(index, in: base) else { return }
    try await write(LocalRoom.ids(in: present).filter { $0 != id.text }, over: present, in: base)
  }

  private static func check(_ count: Int, atMost most: Int) throws(PouchError) {
    guard count >= most else { return }
    throw PouchError(.forbidden, "There are \(count) local documents of this peer, and no more are taken.")
  }

  private static func ids(in index: Document?) -> [String] {
    index?["ids"]?.array?.compactMap(\.string) ?? []
  }

  private func read(_ id: DocumentID, in base: any Database) async throws -> Document? {
    do {
      return try await base.get(id, GetOptions())
    } catch let error as PouchError where error.code == .notFound {
      return nil
    }
  }

  private func write(_ ids: [String], over present: Document?, in base: any Database) async throws {
    let document = Document(
      id: index, revision: present?.revision, fields: ["ids": .array(ids.map { JSON($0) })])
    for result in try await base.bulkDocs([document], .edits) { _ = try result.outcome.get() }
  }
}
