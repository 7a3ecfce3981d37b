import Logging
import PeerTrust
import PouchCore

/// Deletes what others left behind in a hub: signals from or to a share that nobody took, and records of sharers that
/// were gone for a day.
struct SignalSweeper: Sendable {
  /// How long a signal must have been there, by this side's monotonic clock.
  private static let age = Duration.seconds(5 * 60)
  /// How long a lease must be over, in seconds by the hub's date.
  private static let gone = 24 * 60 * 60

  private let hub: any Database
  private let share: ShareID
  var options: PeerOptions
  private var seen: [DocumentID: ContinuousClock.Instant] = [:]
  private var mayPurge = true

  init(_ hub: any Database, _ share: ShareID, _ options: PeerOptions) {
    self.hub = hub
    self.share = share
    self.options = options
  }

  /// Deletes what is old. Failures are of no consequence: the next time comes.
  mutating func sweep() async {
    do {
      try await sweepSignals()
      try await sweepShares()
    } catch {
      options.logger.debug("A hub could not be swept.", metadata: ["error": "\(error)"])
    }
  }

  private mutating func sweepSignals() async throws {
    let now = options.time.now()
    var present: [DocumentID: ContinuousClock.Instant] = [:]
    var old: [Document] = []
    for prefix in ["p-signal-", "s-signal-"] {
      for try await row in hub.rows(.prefix(prefix, rows: .documents)) {
        guard let document = row.document, let signal = try? Signal(document),
          signal.sender == share.text || signal.recipient == share.text
        else { continue }
        let first = seen[row.id] ?? now
        present[row.id] = first
        guard seen[row.id] != nil, now - first >= SignalSweeper.age else { continue }
        old.append(Document(id: row.id, revision: row.revision, isDeleted: true))
      }
    }
    seen = present
    guard !old.isEmpty else { return }
    let results = try await hub.bulkDocs(old)
    var tombstones: [DocumentID: [RevisionID]] = [:]
    for result in results {
      if case .success(let revision) = result.outcome { tombstones[result.id] = [revision] }
    }
    guard mayPurge, !tombstones.isEmpty else { return }
    do {
      try await hub.purge(tombstones)
    } catch {
      // Only admins may, at most hubs.
      mayPurge = false
    }
  }

  private func sweepShares() async throws {
    // A hub that tells no date and is not on this machine may be used by peers whose clocks are right where this one's
    // is not.
    guard !(hub is any ForeignDatabase) else { return }
    var old: [Document] = []
    for try await row in hub.rows(.prefix("share-", rows: .documents)) {
      guard row.id.text != share.text, let document = row.document,
        let record = try? SignedRecord(document).record,
        record.lease + SignalSweeper.gone < HubDate.now(of: hub, options.time)
      else { continue }
      old.append(Document(id: row.id, revision: row.revision, isDeleted: true))
    }
    if !old.isEmpty { _ = try await hub.bulkDocs(old) }
  }
}
