public import PouchCore

/// Runs replications on behalf of `_replicate`.
public protocol ReplicationService: Sendable {
  /// Starts or cancels a replication, or runs it to its end.
  /// - Parameters:
  ///   - request: the body of `POST /_replicate`: `source`, `target`, `continuous`, `cancel`, `create_target`,
  ///     `doc_ids`, `selector`, `since_seq` and what else CouchDB's documentation lists. Not checked yet.
  ///   - principal: who asks; an admin of the server.
  /// - Returns: for one that ran to its end CouchDB's answer with `session_id`, `source_last_seq` and `history`; for
  ///   one that was started or cancelled `{"ok": true, "_local_id": …}`.
  /// - Throws: ``PouchError``; what is thrown becomes the answer.
  func replicate(_ request: JSON, by principal: Principal) async throws -> JSON

  /// The replications that are running, as entries of `_active_tasks`.
  func activeTasks() async -> [JSON]
}
