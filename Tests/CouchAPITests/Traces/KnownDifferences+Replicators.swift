extension KnownDifference {
  /// Differences from what CouchDB answered to its own replicator.
  static let couchDBReplicator: [KnownDifference] = []

  /// Differences from what CouchDB answered to PouchDB's replicator.
  static let pouchDBReplicator: [KnownDifference] = [
    KnownDifference(
      numbers: [1, 12, 18, 29, 36, 40, 47, 48], kind: .differs([.body]),
      reason: "There is no git_sha: the server is not CouchDB's.")
  ]
}
