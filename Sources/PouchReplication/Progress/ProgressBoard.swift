import PouchCore

/// Where the workers of a replication note what they did, and others read it.
final class ProgressBoard: Sendable {
  private struct State {
    var progress = ReplicationProgress()
    var version: UInt64 = 0
    var isPaused = false
    /// Whether the reader waits for changes to come, and all that it read is dealt with.
    var isReaderWaiting = false
    var isAllCopied = true
    /// What is being tried again, by who does it.
    var retries: [UInt64: (error: PouchError, delay: Duration)] = [:]
    var nextRetry: UInt64 = 0
    var end: ReplicationProgress.End?
    /// The source's newest position when the session began.
    var head: UpdateSequence?

    mutating func refresh() {
      version += 1
      progress.state =
        if let end {
          .finished(end)
        } else if isPaused {
          .paused
        } else if let retry = retries.min(by: { $0.key < $1.key })?.value {
          .retrying(retry.error, after: retry.delay)
        } else if isReaderWaiting, isAllCopied {
          .waiting
        } else {
          .running
        }
      progress.pending =
        if isReaderWaiting, isAllCopied {
          0
        } else {
          head.flatMap { $0.distance(from: progress.lastSequence ?? .start) }
        }
    }
  }

  private let monitor = Monitor(State())

  var progress: ReplicationProgress { monitor.state.progress }
  var counts: ReplicationCounts { progress.counts }

  /// Suspends until there is another version of the progress.
  func next(after seen: UInt64?) async throws -> (ReplicationProgress, UInt64) {
    try await monitor.wait { state in
      state.version == seen ? nil : (state.progress, state.version)
    }
  }

  private func change(_ change: (inout State) -> Void) {
    monitor.update { state in
      change(&state)
      state.refresh()
    }
  }

  func count(_ change: (inout ReplicationCounts) -> Void) {
    self.change { change(&$0.progress.counts) }
  }

  func record(_ failure: ReplicationFailure) {
    change { state in
      state.progress.counts.documentsFailed += 1
      if state.progress.failures.count < ReplicationTuning.failuresListed { state.progress.failures.append(failure) }
    }
  }

  func beginSession(_ id: String, at position: UpdateSequence?, head: UpdateSequence) {
    change { state in
      state.progress.sessionID = id
      state.progress.lastSequence = position
      state.head = head
      state.isReaderWaiting = false
      state.isAllCopied = true
    }
  }

  func setPosition(_ position: UpdateSequence?, isAllCopied: Bool) {
    change { state in
      state.isAllCopied = isAllCopied
      if let position { state.progress.lastSequence = position }
    }
  }

  func setReaderWaiting(_ isWaiting: Bool) {
    change { $0.isReaderWaiting = isWaiting }
  }

  func setPaused(_ isPaused: Bool) {
    change { $0.isPaused = isPaused }
  }

  /// Shows an error as being retried while a closure waits.
  func retrying(_ error: PouchError, after delay: Duration, _ wait: () async throws -> Void) async throws {
    let key = monitor.update { state in
      state.nextRetry += 1
      state.retries[state.nextRetry] = (error, delay)
      state.refresh()
      return state.nextRetry
    }
    defer { change { $0.retries[key] = nil } }
    try await wait()
  }

  func finish(_ end: ReplicationProgress.End) {
    change { $0.end = end }
  }
}
