import PouchCore

/// Where a replication can go on, judging by the checkpoints of both databases.
struct CommonCheckpoint: Sendable, Equatable {
  /// `nil` if there is nothing that both remember: everything has to be looked at.
  var position: UpdateSequence?
  /// The sessions to remember further on.
  var sessions: [Checkpoint.Session] = []

  /// Finds the last session that both databases remember.
  ///
  /// A database that was replaced by an older copy of itself remembers less, so what only one of them remembers does
  /// not count. CouchDB's replicator believes the source when the newest sessions agree; here the earlier position of
  /// the two is taken, since a copy may also have been made in the middle of a session. Where positions cannot be
  /// ordered, that session does not count either. A target that was told to remember alone is believed.
  init(source: Checkpoint?, target: Checkpoint?, _ use: ReplicationOptions.Checkpoints) {
    guard let target, use != .none else { return }
    if use == .target || target.reach == .targetOnly {
      take(target.sessions[...]) { $0.recorded }
    } else if let source {
      take(source.sessions[...]) { own in
        target.sessions.first { $0.id == own.id }.flatMap { UpdateSequence.earlier(own.recorded, $0.recorded) }
      }
    }
  }

  /// Takes the newest session that has a position in common, and those before it.
  private mutating func take(
    _ sessions: ArraySlice<Checkpoint.Session>, _ common: (Checkpoint.Session) -> UpdateSequence?
  ) {
    for index in sessions.indices {
      guard let position = common(sessions[index]) else { continue }
      self.position = position
      self.sessions = Array(sessions[index...])
      self.sessions[0].recorded = position
      return
    }
  }
}
