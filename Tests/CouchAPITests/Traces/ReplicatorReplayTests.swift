import PouchCore
import Testing

@testable import CouchAPI

/// Replays what replicators asked CouchDB 3.5.0 against the router, run by run. At the end of each run, source and
/// target hold the same.
struct ReplicatorReplayTests {
  @Test func `CouchDB's replicator gets the answers that CouchDB gave, and copies the same`() async throws {
    var replay = try await ReplicatorReplay(
      "replicator-couchdb.jsonl", known: KnownDifference.couchDBReplicator, databases: ["rep-a", "rep-b"])
    for run in replay.recording.runs {
      try await replay.run(run)
      let source = try await DatabaseContents(of: replay.databases.database("rep-a"), .asStored)
      let target = try await DatabaseContents(of: replay.databases.database("rep-b"), .asStored)
      #expect(source.differences(from: target) == [], "\(run)")
      #expect(source.count > 30)
    }
    #expect(replay.asked == replay.recording.exchanges.count)
  }

  @Test func `PouchDB's replicator gets the answers that CouchDB gave, and copies the same`() async throws {
    var replay = try await ReplicatorReplay(
      "replicator-pouchdb.jsonl", known: KnownDifference.pouchDBReplicator, databases: ["pch-a", "pch-b"])
    replay.pulled = try PulledDatabase()
    for run in replay.recording.runs {
      try await replay.run(run)
      // It pulls from one database and syncs with it later, and pushes to the other.
      let name = run.contains("replicate.to") ? "pch-b" : "pch-a"
      let server = try await DatabaseContents(of: replay.databases.database(name), .asRead)
      let client = try await DatabaseContents(of: try #require(replay.pulled).database, .asRead)
      #expect(server.differences(from: client) == [], "\(run)")
      #expect(server.count > 30)
    }
    #expect(replay.asked == replay.recording.exchanges.count)
  }
}
