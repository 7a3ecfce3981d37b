import Foundation
import PouchCore
import PouchStore
import Testing

@testable import PouchReplication

struct CheckpointTests {
  private func session(_ id: String, _ recorded: String) -> Checkpoint.Session {
    Checkpoint.Session(id: id, recorded: UpdateSequence(recorded))
  }

  private func common(
    _ source: [Checkpoint.Session]?, _ target: [Checkpoint.Session]?,
    _ use: ReplicationOptions.Checkpoints = .both, reach: Checkpoint.Reach = .both
  ) -> CommonCheckpoint {
    CommonCheckpoint(
      source: source.map { Checkpoint(sessions: $0) }, target: target.map { Checkpoint(sessions: $0, reach: reach) },
      use)
  }

  @Test func `without a checkpoint on both sides everything is looked at`() {
    #expect(common(nil, nil).position == nil)
    #expect(common([session("s", "5-x")], nil).position == nil)
    #expect(common(nil, [session("s", "5-x")]).position == nil)
    #expect(common([session("s", "5-x")], [session("t", "5-x")]).position == nil)
  }

  @Test func `checkpoints that agree are believed`() {
    let sessions = [session("s", "5-x"), session("r", "3-x")]
    let found = common(sessions, sessions)
    #expect(found.position == UpdateSequence("5-x"))
    #expect(found.sessions == sessions)
  }

  @Test func `checkpoints that disagree go back to the last session they share`() {
    let source = [session("d", "9-x"), session("b", "5-x"), session("a", "3-x")]
    let target = [session("c", "7-x"), session("b", "5-x"), session("a", "3-x")]
    let found = common(source, target)
    #expect(found.position == UpdateSequence("5-x"))
    #expect(found.sessions.map(\.id) == ["b", "a"])
  }

  @Test func `of one session the earlier position counts, since either side may be an older copy`() {
    #expect(common([session("s", "9-x")], [session("s", "7-x")]).position == UpdateSequence("7-x"))
    #expect(common([session("s", "7-x")], [session("s", "9-x")]).position == UpdateSequence("7-x"))
  }

  @Test func `a session whose positions cannot be ordered does not count`() {
    let source = [session("s", "9-x"), session("r", "3-x")]
    let target = [session("s", "9-y"), session("r", "3-x")]
    #expect(common(source, target).position == UpdateSequence("3-x"))
  }

  @Test func `the target is believed alone when the source keeps none`() {
    let target = [session("t", "7-x")]
    #expect(common(nil, target, .target).position == UpdateSequence("7-x"))
    #expect(common(nil, target, reach: .targetOnly).position == UpdateSequence("7-x"))
    #expect(common([session("s", "5-x")], target, reach: .targetOnly).position == UpdateSequence("7-x"))
    #expect(common(target, target, .none).position == nil)
  }

  @Test func `what is written is read back the same, and never has more than fifty sessions`() throws {
    var first = session("s", "5-x")
    first.start = UpdateSequence("2-x")
    first.startTime = "Sun, 22 Nov 2026 23:26:24 GMT"
    first.endTime = "Sun, 22 Nov 2026 23:26:25 GMT"
    first.counts.revisionsChecked = 7
    first.counts.documentsWritten = 6
    let checkpoint = Checkpoint(sessions: [first, session("r", "0")], reach: .targetOnly)
    #expect(Checkpoint(checkpoint.fields) == checkpoint)
    let long = Checkpoint(sessions: (0..<80).map { session("s\($0)", "\($0)-x") })
    #expect(long.fields["history"]?.array?.count == ReplicationTuning.historyEntries)
    #expect(long.history(without: "s0").count == ReplicationTuning.historyEntries - 1)
  }

  @Test(arguments: [
    "{}", #"{"session_id":"s"}"#, #"{"session_id":7,"source_last_seq":"5"}"#, #"{"history":7}"#,
    #"{"history":[7,{"session_id":""},{"recorded_seq":"5"}]}"#, #"{"session_id":"s","source_last_seq":{}}"#,
  ])
  func `nonsense is no checkpoint`(text: String) throws {
    let object = try #require(try JSON(parsing: text).object)
    #expect(Checkpoint(object) == nil)
  }

  @Test func `positions of any type are read`() throws {
    let text = #"{"session_id":"s","last_seq":44,"history":[{"session_id":"r","recorded_seq":["a",1]}]}"#
    let object = try #require(try JSON(parsing: text).object)
    let checkpoint = try #require(Checkpoint(object))
    #expect(checkpoint.sessions.map(\.recorded.description) == ["44", #"["a",1]"#])
  }

  @Test func `overlong ids and positions are not taken over`() throws {
    let long = JSON(String(repeating: "x", count: ReplicationTuning.sequenceBytes + 1))
    #expect(Checkpoint(["session_id": "s", "source_last_seq": long]) == nil)
    #expect(Checkpoint(["session_id": long, "source_last_seq": "5"]) == nil)
  }
}

/// Checkpoints as CouchDB's and PouchDB's replicators wrote them; recorded, with sequences shortened.
struct RecordedCheckpointTests {
  static let couchDB = #"""
    {"_id":"_local/f769c2dedd7e9340f5adf33d03abb920","_rev":"0-1","_revisions":{"start":0,"ids":["1"]},"session_id":"2bd4de1aab82ac0035baf9ab334cf7ed",
    "source_last_seq":"41-g1AAAACbeJz","replication_id_version":4,"history":[
    {"session_id":"2bd4de1aab82ac0035baf9ab334cf7ed","start_time":"Sun, 22 Nov 2026 23:26:28 GMT",
    "end_time":"Sun, 22 Nov 2026 23:26:28 GMT","start_last_seq":"36-g1AAAACbeJz","end_last_seq":"41-g1AAAACbeJz",
    "recorded_seq":"41-g1AAAACbeJz","missing_checked":39,"missing_found":39,"docs_read":39,"docs_written":39,
    "doc_write_failures":0,"bulk_get_docs":35,"bulk_get_attempts":38},
    {"session_id":"91a66aa1178aed7a122a8d533befee07","start_time":"Sun, 22 Nov 2026 23:26:24 GMT",
    "end_time":"Sun, 22 Nov 2026 23:26:25 GMT","start_last_seq":0,"end_last_seq":"36-g1AAAACbeJz",
    "recorded_seq":"36-g1AAAACbeJz","missing_checked":34,"missing_found":34,"docs_read":34,"docs_written":34,
    "doc_write_failures":0,"bulk_get_docs":31,"bulk_get_attempts":33}]}
    """#
  static let pouchDB = #"""
    {"session_id":"e1d167eb-1509-4bcf-98f3-c6647abf906b","_id":"_local/vaV9CW5rW84S3m6SR7l0Qw==","_rev":"0-2","history":[
    {"last_seq":"46-g1AAAACbeJz","session_id":"e1d167eb-1509-4bcf-98f3-c6647abf906b"},
    {"last_seq":"41-g1AAAACbeJz","session_id":"cbaa0e05-0c78-4497-af31-11e30fd8e874"}],
    "replicator":"pouchdb","version":1,"last_seq":"46-g1AAAACbeJz"}
    """#

  private func read(_ text: String) throws -> JSON.Object {
    try Document(parsing: text.utf8).fields
  }

  @Test func `theirs are read as checkpoints`() throws {
    let couchDB = try #require(Checkpoint(try read(Self.couchDB)))
    #expect(couchDB.sessions.map(\.recorded.description) == ["41-g1AAAACbeJz", "36-g1AAAACbeJz"])
    #expect(couchDB.sessions[0].counts.documentsWritten == 39)
    #expect(couchDB.sessions[1].start == .start)
    let pouchDB = try #require(Checkpoint(try read(Self.pouchDB)))
    #expect(pouchDB.sessions.map(\.recorded.description) == ["46-g1AAAACbeJz", "41-g1AAAACbeJz"])
    #expect(CommonCheckpoint(source: couchDB, target: couchDB, .both).position == UpdateSequence("41-g1AAAACbeJz"))
  }

  @Test func `ours have every member that theirs have`() async throws {
    let (source, target) = (try LocalDatabase.inMemory(), try LocalDatabase.inMemory())
    try await source.fill(0..<3)
    let result = try await Replication(from: source, to: target, environment: VirtualTime().environment).run()
    let id = ReplicationID(source: try await source.info().uuid, target: try await target.info().uuid, .once)
    for database in [source, target] {
      let ours = try await database.get(id.documentID).fields
      for theirs in [try read(Self.couchDB), try read(Self.pouchDB)] {
        for name in theirs.names where !name.hasPrefix("_") { #expect(ours[name] != nil, "\(name)") }
        let entry = try #require(theirs["history"]?[0]?.object)
        // CouchDB's statistics of its way of reading, which ours does not have.
        for name in entry.names where !name.hasPrefix("bulk_get_") {
          #expect(ours["history"]?[0]?[name] != nil, "\(name)")
        }
      }
      #expect(ours["session_id"]?.string == result.sessionID)
      #expect(ours["history"]?[0]?["docs_written"]?.int == 3)
      #expect(ours["source_last_seq"]?.string == result.lastSequence?.description)
    }
  }

  @Test(arguments: ["replicator-couchdb.jsonl", "replicator-pouchdb.jsonl"])
  func `every recorded checkpoint is understood`(file: String) throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let recording = folder.appending(path: "Fixtures/traces").appending(path: file)
    var count = 0
    for line in try String(contentsOf: recording, encoding: .utf8).split(separator: "\n") {
      let exchange = try JSON(parsing: String(line))
      guard exchange["request"]?["method"]?.string == "PUT",
        exchange["request"]?["path"]?.string?.contains("/_local/") == true,
        let body = exchange["request"]?["body"]?.string
      else { continue }
      let checkpoint = try #require(Checkpoint(try read(body)))
      #expect(checkpoint.sessions.count == (try read(body))["history"]?.array?.count)
      count += 1
    }
    #expect(count > 0)
  }
}
