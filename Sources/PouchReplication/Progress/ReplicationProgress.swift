public import PouchCore

/// How far a replication is, at one moment.
public struct ReplicationProgress: Sendable, Equatable {
  /// What the replication is doing.
  public enum State: Sendable, Equatable {
    /// Reading and copying.
    case running
    /// Live, with nothing left to copy.
    case waiting
    /// Held by ``Replication/pause()``.
    case paused
    /// Something failed, and is tried again after a delay; the rest may go on meanwhile.
    case retrying(PouchError, after: Duration)
    /// Over.
    case finished(End)
  }

  /// How a replication ended.
  public enum End: Sendable, Equatable {
    case completed
    case cancelled
    case failed(PouchError)
  }

  public internal(set) var state = State.running
  public internal(set) var counts = ReplicationCounts()
  /// The first ``ReplicationTuning/failuresListed`` failures.
  public internal(set) var failures: [ReplicationFailure] = []
  /// How many changes are left at most; `nil` when the source's positions do not tell.
  public internal(set) var pending: Int?
  /// The position in the source up to which everything was dealt with, and acknowledged by the target.
  public internal(set) var lastSequence: UpdateSequence?
  /// See ``ReplicationResult/sessionID``.
  public internal(set) var sessionID: String?

  init() {}
}

/// The progress of a replication while it goes on: a value now, and another one whenever something changed.
///
/// There is no buffer. A slow reader gets the newest value, and not those in between; the last value is the one that
/// says ``ReplicationProgress/State/finished(_:)``. Any number of readers may iterate.
public struct ReplicationProgressFeed: AsyncSequence, Sendable {
  public typealias Element = ReplicationProgress

  let board: ProgressBoard

  public struct Iterator: AsyncIteratorProtocol {
    let board: ProgressBoard
    private var seen: UInt64?
    private var isAtEnd = false

    init(board: ProgressBoard) {
      self.board = board
    }

    /// The newest progress, when it is another one than the last; `nil` after the end, or when the task was cancelled.
    public mutating func next() async -> ReplicationProgress? {
      guard !isAtEnd, let (progress, version) = try? await board.next(after: seen) else { return nil }
      seen = version
      if case .finished = progress.state { isAtEnd = true }
      return progress
    }
  }

  public func makeAsyncIterator() -> Iterator { Iterator(board: board) }
}
