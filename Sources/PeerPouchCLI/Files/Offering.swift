import PeerPouch

/// Waits until an offer was taken, and tells how far that is.
struct Offering: Sendable {
  private let outbox: FileOutbox
  private let share: Share
  private let console: Console
  private let events: AsyncStream<ShareEvent>
  private let receipts: AsyncStream<FileOutbox.Receipt>

  /// How long the receiver may take to say goodbye after it has everything.
  private static let farewell = Duration.seconds(5)

  init(_ outbox: FileOutbox, _ share: Share, _ console: Console) {
    self.outbox = outbox
    self.share = share
    self.console = console
    events = share.events
    receipts = outbox.receipts
  }

  func begin() throws {
    guard let ticket = share.ticket else { throw PouchError(.internalError) }
    if console.isJSON {
      try console.print(
        json: [
          "event": "offering", "ticket": JSON(ticket.text), "url": JSON(share.dbname), "size": JSON(outbox.size),
        ])
    } else {
      try console.print("Ticket: \(ticket.text)")
    }
    try console.output.flush()
  }

  func run() async throws {
    let progress = console.progress("send", in: .bytes, of: outbox.size)
    try await withThrowingTaskGroup(of: Bool.self) { group in
      defer { group.cancelAll() }
      let companions: [@Sendable () async throws -> Void] = [
        { try await outbox.prepare() }, expire, tellOfRemotes, { try await show(progress) },
      ]
      for companion in companions {
        group.addTask {
          try await companion()
          return false
        }
      }
      group.addTask {
        try await waitForReceipts()
        return true
      }
      // The others end with the last of these, or all with an error.
      while let isTaken = try await group.next(), !isTaken {}
    }
    progress.finish()
  }

  /// Ends the offer with the life of its ticket.
  private func expire() async throws {
    try await Task.sleep(for: TrustLimits.sendTicketLife)
    // Who is connected may finish.
    while await !share.remotes.isEmpty { try await Task.sleep(for: .seconds(10)) }
    throw PouchError(.timeout, "The ticket has expired, and nobody has taken everything.")
  }

  private func tellOfRemotes() async throws {
    for await event in events { try print(event) }
  }

  private func show(_ progress: ProgressReport) async throws {
    var shown: Int64 = 0
    while true {
      let done = min(outbox.bytesRead, outbox.size)
      if done > shown {
        // Nobody was there before the first byte.
        progress.update { [shown] meter in
          if shown == 0 { meter.begin(at: .now) }
          meter.done = done
        }
        shown = done
      }
      try await Task.sleep(for: .milliseconds(200))
    }
  }

  private func waitForReceipts() async throws {
    for await receipt in receipts {
      try print(receipt)
      if receipt.isComplete { return await farewell(receipt.identity) }
    }
    throw CancellationError()
  }

  /// Gives the receiver time to read the answer to its confirmation, and to go.
  private func farewell(_ identity: Fingerprint) async {
    let end = ContinuousClock.now + Offering.farewell
    while await share.remotes.contains(where: { $0.identity == identity }), .now < end {
      guard (try? await Task.sleep(for: .milliseconds(50))) != nil else { return }
    }
  }

  private func print(_ event: ShareEvent) throws {
    if console.isJSON {
      try console.print(json: ShareReport.json(event))
      try console.output.flush()
    } else {
      console.diagnostics.note(ShareReport.sentence(event))
    }
  }

  private func print(_ receipt: FileOutbox.Receipt) throws {
    console.diagnostics.clearStatus()
    if console.isJSON {
      try console.print(
        json: [
          "event": "received", "identity": JSON(receipt.identity.text),
          "files": .array(receipt.files.map { JSON($0) }), "complete": JSON(receipt.isComplete),
        ])
    } else if let last = receipt.files.last {
      try console.print("\(receipt.identity.short) has received \(receipt.isComplete ? "everything" : last)")
    }
    try console.output.flush()
  }
}
