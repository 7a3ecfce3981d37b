import CouchAPI
import Foundation
import TestSupport
import Testing

@testable import PeerPouch

struct DatabaseFolderTests {
  private func code(_ body: () async throws -> Void) async -> PouchError.Code? {
    do {
      try await body()
      return nil
    } catch {
      return (error as? PouchError)?.code
    }
  }

  @Test func `databases are made, listed, opened and removed by name`() async throws {
    try await withFolder { path in
      let folder = try DatabaseFolder(path: path + "/data")
      try await folder.create("notes")
      try await folder.create("team/plans")
      try await folder.create("a+b(c)$_-1")
      #expect(try await folder.names() == ["a+b(c)$_-1", "notes", "team/plans"])
      try await folder.database("team/plans").put(["_id": "one"])
      #expect(try await folder.database("team/plans").get("one").id == "one")
      #expect(await code { try await folder.create("notes") } == .databaseExists)
      try await folder.destroy("notes")
      #expect(try await folder.names() == ["a+b(c)$_-1", "team/plans"])
      #expect(await code { _ = try await folder.database("notes") } == .notFound)
      try await folder.close()
    }
  }

  @Test(arguments: [
    "..", "../up", "/etc/passwd", "", "Notes", "1st", "_hidden", "a.b", "a\u{0}b", "a%2Fb", "é", "a\\b", "a b", "-x",
    String(repeating: "a", count: 201), String(repeating: "a/", count: 100),
  ])
  func `a name that CouchDB does not allow makes no file`(_ name: String) async throws {
    try await withFolder { path in
      let folder = try DatabaseFolder(path: path + "/data")
      #expect(await code { try await folder.create(name) } == .illegalDatabaseName)
      #expect(await code { _ = try await folder.database(name) } == .notFound)
      #expect(try FileManager.default.contentsOfDirectory(atPath: path) == ["data"])
      #expect(try FileManager.default.contentsOfDirectory(atPath: path + "/data").isEmpty)
    }
  }

  @Test func `names with slashes and dots stay within the folder`() async throws {
    try await withFolder { path in
      let folder = try DatabaseFolder(path: path + "/data")
      try await folder.create("a/b//c")
      #expect(try await folder.names() == ["a/b//c"])
      #expect(try FileManager.default.contentsOfDirectory(atPath: path) == ["data"])
      try await folder.close()
    }
  }

  @Test func `a security object is kept with its database`() async throws {
    try await withFolder { path in
      let folder = try DatabaseFolder(path: path)
      try await folder.create("notes")
      #expect(try await folder.security(of: "notes") == [:])
      try await folder.setSecurity(["members": ["names": ["jan"]]], of: "notes")
      #expect(try await folder.security(of: "notes") == ["members": ["names": ["jan"]]])
      try await folder.close()
      let again = try DatabaseFolder(path: path)
      #expect(try await again.security(of: "notes") == ["members": ["names": ["jan"]]])
      #expect(await code { try await again.setSecurity([], of: "notes") } == .badRequest)
      try await again.destroy("notes")
      try await again.create("notes")
      #expect(try await again.security(of: "notes") == [:])
      try await again.close()
    }
  }

  @Test func `a database whose file another process removed is gone`() async throws {
    try await withFolder { path in
      let folder = try DatabaseFolder(path: path)
      try await folder.create("notes")
      for file in try FileManager.default.contentsOfDirectory(atPath: path) {
        try FileManager.default.removeItem(atPath: path + "/" + file)
      }
      #expect(await code { _ = try await folder.database("notes") } == .notFound)
      try await folder.create("notes")
      #expect(try await folder.database("notes").info().documentCount == 0)
      try await folder.close()
    }
  }

  @Test func `more databases than may stay open are served all the same`() async throws {
    try await withFolder { path in
      let folder = try DatabaseFolder(path: path, options: StoreOptions(durability: .relaxed), openLimit: 4)
      for number in 0..<12 {
        try await folder.create("db\(number)")
        try await folder.database("db\(number)").put(["_id": "one", "n": .number(.init(number))])
      }
      for number in 0..<12 {
        #expect(try await folder.database("db\(number)").get("one")["n"]?.int == number)
      }
      #expect(await folder.openCount <= 4)
      try await folder.close()
    }
  }

  @Test func `asking what is compacted opens no database`() async throws {
    try await withFolder { path in
      let folder = try DatabaseFolder(path: path)
      try await folder.create("notes")
      try await folder.database("notes").compact()
      #expect(await folder.compacting() == [])
      try await folder.close()
      #expect(await folder.compacting() == [])
      #expect(await folder.openCount == 0)
    }
  }
}
