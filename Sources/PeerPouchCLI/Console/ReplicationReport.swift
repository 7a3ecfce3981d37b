import PeerPouch

/// Shows how far replications are, and in the end what they did.
struct ReplicationReport: Sendable {
  private let activity: String
  private let replications: [Replication]
  private let console: Console

  /// - Parameter replications: one, or the two directions of a synchronization.
  init(_ activity: String, _ replications: [Replication], _ console: Console) {
    self.activity = activity
    self.replications = replications
    self.console = console
  }

  /// Runs the replications to their end while it reports.
  /// - Throws: what the body throws; ``ReportedFailure`` if documents were left out.
  func follow(_ run: () async throws -> Void) async throws {
    let progress = console.progress(activity, in: .count("documents"))
    let watching = Task {
      await withTaskGroup(of: Void.self) { group in
        for replication in replications {
          group.addTask { await watch(replication, progress) }
        }
      }
    }
    do {
      try await run()
    } catch {
      await watching.value
      progress.finish()
      throw error
    }
    await watching.value
    progress.finish()
    // Cancelled replications end well: what was acknowledged is kept, and the next one goes on from there.
    try summarize()
    try Task.checkCancellation()
    if failed > 0 { throw ReportedFailure(exitCode: ExitCodes.failure) }
  }

  private func watch(_ replication: Replication, _ progress: ProgressReport) async {
    var isAway = false
    for await _ in replication.progress {
      let status = replication.status
      if case .retrying(let error, let delay) = status.state {
        let pause = ProgressMeter.duration(delay / .seconds(1))
        if !isAway { console.diagnostics.note("\(error); trying again in \(pause)") }
        isAway = true
      } else if isAway {
        isAway = false
      }
      progress.update { meter in
        let counts = replications.map { $0.status.counts }
        meter.done = Int64(counts.reduce(0) { $0 + $1.documentsWritten })
        meter.setTotal(pending: replications.compactMap { $0.status.pending })
        meter.detail = ProgressMeter.size(counts.reduce(0) { $0 + $1.bytesWritten })
      }
    }
  }

  private var failed: Int { replications.reduce(0) { $0 + $1.status.counts.documentsFailed } }

  private func summarize() throws {
    for replication in replications {
      let status = replication.status
      for failure in status.failures {
        console.diagnostics.report(
          failure.error.code.name, failure.error.reason, place: "\(failure.id) \(failure.revision)",
          details: ["id": JSON(failure.id.text), "rev": JSON(failure.revision.description)])
      }
      let counts = status.counts
      let hidden = counts.documentsFailed - status.failures.count
      if hidden > 0 { console.diagnostics.note("\(hidden) more documents were left out.") }
      if console.isJSON {
        try console.print(
          json: [
            "ok": JSON(counts.documentsFailed == 0), "source": JSON(replication.source.name),
            "target": JSON(replication.target.name), "docs_read": JSON(counts.documentsRead),
            "docs_written": JSON(counts.documentsWritten), "doc_write_failures": JSON(counts.documentsFailed),
            "bytes_written": JSON(counts.bytesWritten), "last_seq": status.lastSequence.map(\.json) ?? .null,
          ])
      } else {
        let failures = counts.documentsFailed > 0 ? ", \(counts.documentsFailed) failed" : ""
        try console.print(
          "\(replication.source.name) → \(replication.target.name): "
            + "\(ProgressMeter.counted(counts.documentsWritten, "revision")) written, "
            + "\(ProgressMeter.size(counts.bytesWritten))\(failures)")
      }
    }
  }
}
