import Foundation
import GRDB
import PeerPouch
import TestSupport
import Testing

@testable import PouchStore

@Suite("The file")
struct FileTests {
  private func contents(_ path: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: path))
  }

  @Test func `what was written is there when the file is opened again`() async throws {
    try await withFolder { folder in
      let path = folder + "/a.pouch"
      var database = try LocalDatabase(path: path)
      #expect(database.name == "a")
      let revision = try await database.put(["_id": "a", "v": 1])
      try await database.putAttachment("f", Attachment([1, 2, 3]), to: "a", at: revision)
      let before = try await database.info()
      try await database.close()
      #expect(!FileManager.default.fileExists(atPath: path + "-wal"))
      database = try LocalDatabase(path: path)
      let after = try await database.info()
      #expect(after.uuid == before.uuid)
      #expect(after.updateSequence == before.updateSequence)
      #expect(after.instanceStartTime == before.instanceStartTime)
      #expect(try await database.get("a")["v"]?.int == 1)
      #expect(try await database.getAttachment("f", of: "a").content.bytes() == [1, 2, 3])
      try await database.destroy()
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
    }
  }

  @Test func `a path opened twice is one database`() async throws {
    try await withFolder { folder in
      let first = try LocalDatabase(path: folder + "/a.pouch")
      try FileManager.default.createSymbolicLink(
        atPath: folder + "/link.pouch", withDestinationPath: folder + "/a.pouch")
      let second = try LocalDatabase(path: folder + "/link.pouch")
      let reader = Task { try await second.changes(ChangesQuery(.live, limit: 1)).collect() }
      try await first.put(["_id": "a"])
      #expect(try await reader.value.map(\.id) == ["a"])
      try await first.close()
      #expect(try await second.get("a").id == "a")
      #expect(await pouchError { _ = try await first.get("a") } == .closed)
      try await second.close()
    }
  }

  @Test func `destroying ends every use`() async throws {
    try await withFolder { folder in
      let first = try LocalDatabase(path: folder + "/a.pouch")
      let second = try LocalDatabase(path: folder + "/a.pouch")
      try await first.destroy()
      #expect(await pouchError { _ = try await second.info() } == .closed)
      let third = try LocalDatabase(path: folder + "/a.pouch")
      #expect(try await third.info().documentCount == 0)
      try await third.destroy()
    }
  }

  @Test func `a file that is no database is refused and left alone`() async throws {
    try await withFolder { folder in
      let path = folder + "/letter.pouch"
      let text = Data("Dear reader, this is not a database.\n".utf8) + Data(repeating: 0x20, count: 5000)
      try text.write(to: URL(fileURLWithPath: path))
      let error = await pouchError { _ = try LocalDatabase(path: path) }
      #expect(error?.code == .unsupportedFormat)
      #expect(try contents(path) == text)
    }
  }

  @Test func `another program's database is refused and left alone`() async throws {
    try await withFolder { folder in
      let path = folder + "/other.sqlite"
      let queue = try DatabaseQueue(path: path)
      try await queue.write { try $0.execute(sql: "CREATE TABLE t(a); INSERT INTO t VALUES (1)") }
      try queue.close()
      let before = try contents(path)
      let error = await pouchError { _ = try LocalDatabase(path: path) }
      #expect(error?.code == .unsupportedFormat)
      #expect(error?.reason == "The file is an SQLite database, but not one of PeerPouch.")
      #expect(try contents(path) == before)
    }
  }

  @Test func `a newer format is refused and left alone`() async throws {
    try await withFolder { folder in
      let path = folder + "/newer.pouch"
      let database = try LocalDatabase(path: path)
      try await database.put(["_id": "a"])
      try await database.close()
      let queue = try DatabaseQueue(path: path)
      try await queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA user_version = 99") }
      try queue.close()
      let before = try contents(path)
      let error = await pouchError { _ = try LocalDatabase(path: path) }
      #expect(error?.reason == "The file has format 99; this version of PeerPouch reads format 1.")
      #expect(try contents(path) == before)
    }
  }

  @Test func `a creation that was cut short is finished by the next opening`() async throws {
    try await withFolder { folder in
      let path = folder + "/a.pouch"
      let queue = try DatabaseQueue(path: path)
      // What a process leaves that dies between the settings and the tables.
      try await queue.writeWithoutTransaction { database in
        try database.execute(
          sql: "PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL")
      }
      try queue.close()
      #expect(try contents(path).count == Schema.pageSize)
      let database = try LocalDatabase(path: path)
      try await database.put(["_id": "a"])
      #expect(try await database.integrityCheck() == [])
      try await database.close()
    }
  }

  @Test func `a folder that is not there is an error`() async throws {
    let error = await pouchError { _ = try LocalDatabase(path: "/nonexistent/folder/a.pouch") }
    #expect(error?.code == .ioError)
  }

  @Test func `commits are durable unless told otherwise`() async throws {
    try await withFolder { folder in
      let durable = try LocalDatabase(path: folder + "/full.pouch")
      let relaxed = try LocalDatabase(path: folder + "/relaxed.pouch", options: StoreOptions(durability: .relaxed))
      // 2 is FULL, 1 is NORMAL; asked of the connection that commits.
      #expect(try await durable.store.withWriter { try Schema.pragma("synchronous", $0) } == 2)
      #expect(try await relaxed.store.withWriter { try Schema.pragma("synchronous", $0) } == 1)
      #expect(try await durable.store.withWriter { try Schema.pragma("auto_vacuum", $0) } == 2)
      #expect(try await durable.store.withWriter { try Schema.pragma("page_size", $0) } == Int64(Schema.pageSize))
      try await durable.close()
      try await relaxed.close()
    }
  }

  @Test func `a copied or restored file has a new epoch`() async throws {
    try await withFolder { folder in
      let path = folder + "/a.pouch"
      var database = try LocalDatabase(path: path)
      try await database.put(["_id": "a"])
      let original = try await database.info()
      try await database.close()
      let backup = try contents(path)
      try FileManager.default.copyItem(atPath: path, toPath: folder + "/copy.pouch")

      let copy = try LocalDatabase(path: folder + "/copy.pouch")
      let copied = try await copy.info()
      #expect(copied.uuid == original.uuid)
      #expect(copied.updateSequence != original.updateSequence)
      try await copy.close()

      database = try LocalDatabase(path: path)
      #expect(try await database.info().updateSequence == original.updateSequence)
      try await database.put(["_id": "b"])
      let later = try await database.info().updateSequence
      try await database.close()

      // Written over the same inode, as `cp backup.pouch a.pouch` does.
      let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
      try handle.truncate(atOffset: 0)
      try handle.write(contentsOf: backup)
      try handle.close()
      database = try LocalDatabase(path: path)
      if FileIdentity.token(of: path) != nil {
        #expect(try await database.info().updateSequence != original.updateSequence)
        let changes = try await database.changes(.once.since(.after(later))).collect()
        #expect(changes.map(\.id) == ["a"])
      }
      try await database.close()
    }
  }

  @Test func `the log does not grow behind a slow reader`() async throws {
    try await withFolder { folder in
      let path = folder + "/a.pouch"
      let database = try LocalDatabase(path: path, options: StoreOptions(durability: .relaxed))
      try await database.put(["_id": "first"])
      var feed = database.changes(.live.including(.documents)).makeAsyncIterator()
      _ = try await feed.next()
      let text = JSON(String(repeating: "x", count: 10_000))
      for batch in 0..<40 {
        let documents = (0..<500).map { Document(id: DocumentID("\(batch)-\($0)"), fields: ["text": text]) }
        _ = try await database.bulkDocs(documents)
        _ = try await feed.next()
      }
      let size = try FileManager.default.attributesOfItem(atPath: path + "-wal")[.size] as? Int ?? 0
      #expect(size < 2 * StoreTuning.journalBytes, "200 MB were written")
      try await database.close()
    }
  }

  @Test(.timeLimit(.minutes(2)))
  func `old bodies are compacted by themselves`() async throws {
    let database = try LocalDatabase.inMemory()
    // Many short histories: each edit of a long one costs time.
    let ids = (0..<100).map { DocumentID("note-\($0)") }
    let last = StoreTuning.automaticCompaction / ids.count + 3
    let revisions = (0...last).map { RevisionID(generation: $0, suffix: "x") }
    let edits = (2...last).flatMap { generation in
      ids.map { id in
        var edit = Document(id: id, revision: revisions[generation])
        edit.revisions = [revisions[generation], revisions[generation - 1]]
        return edit
      }
    }
    _ = try await database.bulkDocs(edits, .replicated)
    try await eventually { try database.store.readOnce({ try $0.count("revision") }) <= ids.count }
    for id in ids { #expect(try await database.get(id).revision == revisions[last]) }
    #expect(try await database.integrityCheck() == [])
    try await database.close()
  }
}
