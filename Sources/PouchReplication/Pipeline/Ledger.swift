import PouchCore

/// Keeps account of what was begun and what is finished, so that a checkpoint covers only what the target has.
final class Ledger: Sendable {
  private struct State {
    var prefix = ContiguousPrefix()
    /// How many things have to happen before a batch is finished, by the first piece of it.
    var open: [Int: (pieces: ClosedRange<Int>, count: Int)] = [:]
    var advances = 0
  }

  private let monitor = Monitor(State())
  private let board: ProgressBoard

  init(board: ProgressBoard) {
    self.board = board
  }

  /// The position up to which everything is dealt with; `nil` if nothing was yet.
  var position: UpdateSequence? { monitor.state.prefix.position }

  /// Begins a piece of the feed.
  func begin(endingAt position: UpdateSequence) -> Int {
    monitor.update { state in
      board.setPosition(nil, isAllCopied: false)
      return state.prefix.begin(endingAt: position)
    }
  }

  /// Finishes a piece in which there is nothing to copy.
  func finish(_ piece: Int) {
    finish(piece...piece)
  }

  /// Opens a batch of pieces, which is finished when it has been closed as often as it was opened.
  func open(_ pieces: ClosedRange<Int>) {
    monitor.update { state in
      let count = state.open[pieces.lowerBound]?.count ?? 0
      state.open[pieces.lowerBound] = (pieces, count + 1)
    }
  }

  /// Closes a batch once.
  func close(_ pieces: ClosedRange<Int>) {
    let isFinished = monitor.update { state in
      let count = (state.open[pieces.lowerBound]?.count ?? 1) - 1
      state.open[pieces.lowerBound] = count > 0 ? (pieces, count) : nil
      return count <= 0
    }
    if isFinished { finish(pieces) }
  }

  private func finish(_ pieces: ClosedRange<Int>) {
    // The board is told within the update: told later, the last of two workers might tell the earlier state.
    monitor.update { state in
      if state.prefix.finish(pieces) { state.advances += 1 }
      board.setPosition(state.prefix.position, isAllCopied: state.prefix.isComplete)
    }
  }

  /// Suspends until the position has moved on.
  /// - Parameter seen: what this returned the last time; 0 at first.
  func advance(after seen: Int) async throws -> Int {
    try await monitor.wait { $0.advances > seen ? $0.advances : nil }
  }
}
