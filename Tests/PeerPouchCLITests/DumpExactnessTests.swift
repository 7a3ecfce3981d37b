import Foundation
import PeerPouch
import Testing

@Suite("What a dump carries over", .timeLimit(.minutes(5)))
struct DumpExactnessTests {
  /// A leaf with a history of so many revisions, of which the oldest are shared with other leaves of the same trunk.
  private func leaf(
    _ id: String, _ generation: Int, _ name: String, after trunk: Int, oldest: Int = 1, isDeleted: Bool = false
  ) -> Document {
    var leaf: Document = ["_id": JSON(id), "leaf": JSON(name)]
    leaf.isDeleted = isDeleted
    leaf.revisions = stride(from: generation, through: oldest, by: -1).map { generation in
      RevisionID(generation: generation, suffix: generation > trunk ? "\(name)\(generation)" : "trunk\(generation)")
    }
    return leaf
  }

  /// Fills a database through the library.
  private func fill(_ path: String, _ body: (any Database) async throws -> Void) async throws {
    let database = try await Pouch(path)
    try await body(database)
    try await database.close()
  }

  /// Dumps a database, loads that into a new one, and expects both to be equal.
  /// - Returns: the lines of the dump.
  @discardableResult
  private func expectExact(_ name: String, in home: Home) async throws -> [String] {
    let first = try await home.run("dump", name)
    #expect(first.status == 0)
    let load = try await home.run(["load", "\(name)-copy"], input: first.output)
    #expect(load.status == 0)
    #expect(load.errors.isEmpty)
    #expect(try await home.run("dump", "\(name)-copy").lines.sorted() == first.lines.sorted())
    #expect(try await home.run("check", "\(name)-copy").text == "ok\n")
    return first.lines
  }

  private func revsLimit(of name: String, in home: Home) async throws -> Int {
    let database = try await Pouch(home.path("\(name).pouch"))
    let limit = try await database.revsLimit()
    try await database.close()
    return limit
  }

  @Test func `a history of more than a thousand revisions is carried over, and the limit with it`() async throws {
    try await Home.with { home in
      try await fill(home.path("first.pouch")) { database in
        try await database.setRevsLimit(5000)
        _ = try await database.bulkDocs([leaf("long", 1500, "a", after: 1200)], .replicated)
        try await database.update("long") { $0["edited"] = true }
      }
      let lines = try await expectExact("first", in: home)
      #expect(lines.first == #"{"_settings":{"revs_limit":5000}}"#)
      let copy = try await home.run("get", "first-copy", "long", "--revs").json.first
      #expect(copy?["_revisions"]?["ids"]?.array?.count == 1501)
      #expect(try await revsLimit(of: "first-copy", in: home) == 5000)
    }
  }

  @Test func `a history stays whole when the limit was lowered after it was written`() async throws {
    try await Home.with { home in
      try await fill(home.path("first.pouch")) { database in
        try await database.setRevsLimit(5000)
        var long = leaf("many leaves", 1200, "a", after: 1000)
        // Such attachments have lines of their own, and their document is written by itself.
        long.attachments["large"] = Attachment([UInt8](repeating: 1, count: 100_000))
        _ = try await database.bulkDocs(
          [
            long, leaf("many leaves", 1100, "b", after: 1000), leaf("many leaves", 3, "c", after: 1),
            leaf("long", 1300, "a", after: 0),
          ], .replicated)
        try await database.setRevsLimit(7)
      }
      let lines = try await expectExact("first", in: home)
      #expect(try await revsLimit(of: "first-copy", in: home) == 7)
      // Loading that ended after one of the leaves, and its attachment, is taken up again.
      try await home.run("load", "resumed", input: lines.prefix(3).joined(separator: "\n"))
      try await home.run("load", "resumed", input: lines.joined(separator: "\n"))
      #expect(try await home.run("dump", "resumed").lines.sorted() == lines.sorted())
      let edited = try await home.run("put", "first-copy", "long", "--force", input: "{}")
      #expect(edited.status == 0)
      let copy = try await home.run("get", "first-copy", "long", "--revs").json.first
      #expect(copy?["_revisions"]?["ids"]?.array?.count == 7)
    }
  }

  @Test func `histories that were cut, branches of any length and deleted leaves are carried over`() async throws {
    try await Home.with { home in
      try await fill(home.path("first.pouch")) { database in
        try await database.setRevsLimit(5)
        _ = try await database.bulkDocs(
          [
            leaf("cut", 40, "a", after: 30), leaf("cut", 33, "b", after: 30), leaf("cut", 29, "c", after: 28),
            leaf("cut", 9, "d", after: 0, isDeleted: true), leaf("cut", 35, "e", after: 30, isDeleted: true),
            // Without its beginning, as it comes from a database that had cut it.
            leaf("partial", 20, "a", after: 0, oldest: 18), leaf("partial", 19, "b", after: 18, oldest: 18),
            leaf("deleted", 4, "a", after: 2, isDeleted: true), leaf("deleted", 3, "b", after: 2, isDeleted: true),
          ], .replicated)
        for version in 0..<12 { try await database.put(["_id": JSON("new \(version)"), "v": 1]) }
        for version in 0..<12 { try await database.update("new 1") { $0["v"] = JSON(version) } }
        // A deleted document that was made anew.
        try await database.remove(database.get("new 2"))
        try await database.put(["_id": "new 2", "again": true])
      }
      try await expectExact("first", in: home)
      let changes = try await home.run("changes", "first", "--all-leaves").columns.map { $0.dropFirst() }
      #expect(try await home.run("changes", "first-copy", "--all-leaves").columns.map { $0.dropFirst() } == changes)
    }
  }

  @Test func `compressed attachments and the generations that brought them are carried over`() async throws {
    try await Home.with { home in
      try await fill(home.path("first.pouch")) { database in
        // gzip of 100 times "hello ".
        let gzip = "H4sIAAAAAAACA8tIzcnJV8gYJUdJqpIA8zGiDVgCAAA="
        var document: Document = [
          "_id": "n", "_attachments": ["z": ["content_type": "text/plain", "encoding": "gzip", "data": JSON(gzip)]],
        ]
        document.attachments["large"] = Attachment((0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) })
        try await database.put(document)
        for version in 0..<3 { try await database.update("n") { $0["v"] = JSON(version) } }
        try await database.putAttachment("late", Attachment([1, 2, 3]), to: "n", at: database.get("n").revision)
        // A tombstone may have attachments too.
        var tombstone: Document = ["_id": "gone", "why": "old"]
        tombstone.isDeleted = true
        tombstone.attachments["kept"] = Attachment([4, 5, 6])
        try await database.put(tombstone)
      }
      try await expectExact("first", in: home)
      let attachments = try await home.run("get", "first-copy", "n").json.first?["_attachments"]
      #expect(attachments?["z"]?["revpos"] == 1)
      #expect(attachments?["late"]?["revpos"] == 5)
      let stored = try await home.run("get", "first-copy", "n", "--attachments").json.first?["_attachments"]?["z"]
      #expect(stored?["encoding"] == "gzip")
      #expect(try await home.run("fetch", "first-copy", "n", "z").text == String(repeating: "hello ", count: 100))
    }
  }

  @Test func `what was purged is not carried over, and comes back from an older dump`() async throws {
    try await Home.with { home in
      try await fill(home.path("first.pouch")) { database in
        _ = try await database.bulkDocs(
          [leaf("n", 3, "a", after: 1), leaf("n", 4, "b", after: 1), leaf("m", 1, "a", after: 0)], .replicated)
      }
      let before = try await home.run("dump", "first")
      #expect(try await home.run("purge", "first", "n", "4-b4").status == 0)
      #expect(try await home.run("purge", "first", "m", "1-a1").status == 0)
      let lines = try await expectExact("first", in: home)
      #expect(lines.count == 1)
      try await home.run(["load", "first"], input: before.output)
      #expect(try await home.run("dump", "first").lines.sorted() == before.lines.sorted())
    }
  }

  @Test func `a limit is only ever raised in a database that has documents`() async throws {
    try await Home.with { home in
      let document = #"{"_id":"n","_rev":"1-a"}"#
      let lower = try await home.run("load", "notes", input: "{\"_settings\":{\"revs_limit\":7}}\n\(document)")
      #expect(lower.status == 0)
      #expect(lower.text == "1 document loaded\n")
      #expect(lower.errors.isEmpty)
      #expect(try await revsLimit(of: "notes", in: home) == 7)
      let higher = try await home.run("load", "notes", input: #"{"_settings":{"revs_limit":9}}"#)
      #expect(higher.errors == "peerpouch: revs_limit was raised from 7 to 9, that of the dump.\n")
      try await home.run("load", "notes", input: #"{"_settings":{"revs_limit":3}}"#)
      #expect(try await revsLimit(of: "notes", in: home) == 9)
      // A dump without settings leaves it as well.
      try await home.run("load", "notes", input: document)
      #expect(try await revsLimit(of: "notes", in: home) == 9)
    }
  }

  @Test func `a load that ends early leaves the limit as it shall be`() async throws {
    try await Home.with { home in
      let ids = (1...20).map { "\"r\($0)\"" }.joined(separator: ",")
      let document = #"{"_id":"n","_rev":"20-r1","_revisions":{"start":20,"ids":[\#(ids)]}}"#
      let input = "{\"_settings\":{\"revs_limit\":7}}\n\(document)\n{oops"
      #expect(try await home.run("load", "notes", input: input).status == 1)
      #expect(try await revsLimit(of: "notes", in: home) == 7)
      let copy = try await home.run("get", "notes", "n", "--revs").json.first
      #expect(copy?["_revisions"]?["ids"]?.array?.count == 20)
    }
  }

  @Test(arguments: [
    #"{"_settings":{"revs_limit":0}}"#, #"{"_settings":{"revs_limit":"7"}}"#, #"{"_settings":{}}"#,
    #"{"_settings":{"revs_limit":7,"colour":"red"}}"#, #"{"_settings":7}"#, #"{"_settings":{"revs_limit":7},"a":1}"#,
  ])
  func `settings that cannot be stop the loading before anything is loaded`(line: String) async throws {
    try await Home.with { home in
      let outcome = try await home.run("load", "notes", input: "\(line)\n{\"_id\":\"n\"}\n")
      #expect(outcome.status == 1)
      #expect(outcome.errors.contains("malformed: line 1: "))
      #expect(try await home.run("ls", "notes").lines.isEmpty)
      #expect(try await revsLimit(of: "notes", in: home) == 1000)
    }
  }
}
