import Foundation
import PouchCore

/// Reads and writes the checkpoints of one session, in both databases.
actor Checkpointer {
  private let use: ReplicationOptions.Checkpoints
  private let sessionID: String
  private let environment: ReplicationEnvironment
  private let startTime: String
  private var source: CheckpointDocument
  private var target: CheckpointDocument
  /// What earlier sessions left.
  private var common = CommonCheckpoint(source: nil, target: nil, .none)
  /// The position that is written down.
  private var recorded: UpdateSequence?
  /// How long the source took to answer for its checkpoint; zero if it was not asked.
  private(set) var sourceLatency = Duration.zero

  init(
    _ id: ReplicationID, source: any Database, target: any Database, _ use: ReplicationOptions.Checkpoints,
    sessionID: String, environment: ReplicationEnvironment
  ) {
    self.use = use
    self.sessionID = sessionID
    self.environment = environment
    startTime = HTTPDate.text(of: Int(environment.date().timeIntervalSince1970))
    self.source = CheckpointDocument(id.documentID, in: source)
    self.target = CheckpointDocument(id.documentID, in: target)
  }

  /// Finds where to go on.
  /// - Returns: `nil` if nothing is known; everything has to be looked at.
  func load() async throws -> UpdateSequence? {
    guard use != .none else { return nil }
    let (unread, isSourceUsed, elapsed) = (source, use == .both, environment.elapsed)
    async let readSource = {
      let asked = elapsed()
      return isSourceUsed ? (try await unread.loaded(), elapsed() - asked) : (unread, .zero)
    }()
    target = try await target.loaded()
    (source, sourceLatency) = try await readSource
    common = CommonCheckpoint(source: source.checkpoint, target: target.checkpoint, use)
    recorded = common.position
    return common.position
  }

  /// Writes a position down, unless it is written already.
  ///
  /// Without a target that takes it there is none: what only the source remembers does not count.
  /// - Parameters:
  ///   - position: everything before it has been acknowledged by the target.
  ///   - counts: what this session did.
  func record(_ position: UpdateSequence, from start: UpdateSequence?, _ counts: ReplicationCounts) async throws {
    guard use != .none, position != recorded, !target.isRefused else { return }
    var session = Checkpoint.Session(id: sessionID, recorded: position)
    session.start = start ?? .start
    session.startTime = startTime
    session.endTime = HTTPDate.text(of: Int(environment.date().timeIntervalSince1970))
    session.counts = counts
    let earlier = common.sessions.prefix(ReplicationTuning.historyEntries - 1)
    var checkpoint = Checkpoint(sessions: [session] + earlier)
    if use == .both {
      var document = source
      try await document.write(checkpoint)
      source = document
    }
    if use == .target || source.isRefused { checkpoint.reach = .targetOnly }
    var document = target
    try await document.write(checkpoint)
    target = document
    recorded = position
  }
}
