import Logging
import PeerTrust
import PouchCore

/// The share's record in the hub, and what else is looked after there.
extension ShareDesk {
  /// When a record is written anew: with a third of its lease left.
  private static var renewal: Duration { TrustLimits.lease * 2 / 3 }

  /// Writes the record with the present epoch and a new lease.
  /// - Throws: what the hub throws.
  func publish() async throws {
    let (owner, salt, terms, epoch) = (peer.identity, salt, terms, reception.epoch)
    let known = ledger.number
    let lease = HubDate.now(of: hub, options.time) + Int(TrustLimits.lease.components.seconds)
    let written = try await RecordWriter(hub, id).write(above: known) { number in
      self.mayBeListed = true
      // Kept first, so that no number is used twice, nor one's own record taken for another process's.
      self.ledger.number = number
      self.keepLedger()
      do throws(ShareRecord.Problem) {
        let record = try ShareRecord(
          owner: owner.key, salt: salt, number: number, epoch: epoch, name: terms.name, info: terms.info,
          access: terms.access, gate: terms.gate.ways, lease: lease)
        return SignedRecord(record, signedBy: owner)
      } catch {
        throw PouchError(.badRequest, "The share's \(error) is not valid; see the limits in the documentation.")
      }
    }
    let now = HubDate.now(of: hub, options.time)
    if let before = written.before, before.number > known, !before.isExpired(at: now), known > 0 || peer.folder != nil {
      tellOfAnother()
    }
    published = epoch
  }

  /// Notes that this database is shared here from now on, and tells if another process does so already: that one notices
  /// when it renews its record.
  /// - Throws: ``PouchError/Code/ioError`` if the note cannot be made.
  func claim() throws {
    guard let folder = peer.folder else { return }
    lock = try folder.lock(address)
    if lock == nil { tellOfAnother() }
  }

  private func tellOfAnother() {
    options.logger.warning("Another process shares the same database.", metadata: ["share": "\(id)"])
    events.send(.sharedElsewhere)
  }

  /// Renews the record, and sweeps, until the task is cancelled.
  func keepRecord() async {
    var sweeper = SignalSweeper(hub, id, options)
    var backOff = BackOff()
    var due = options.time.now() + ShareDesk.renewal
    await sweeper.sweep()
    while !Task.isCancelled {
      let alarm = alarm
      let next = max(min(due, reception.nextChange) - options.time.now(), .zero)
      do {
        let isAlarmed = try await options.time.limit(next) { try await alarm.wait() } != nil
        if isAlarmed { self.alarm = Latch() }
      } catch {
        return
      }
      for session in reception.advance(at: options.time.now(), using: &random) {
        inboxes.removeValue(forKey: session)?.finish()
      }
      guard options.time.now() >= due || reception.epoch != published else { continue }
      do {
        try await publish()
        backOff.reset()
        due = options.time.now() + ShareDesk.renewal
        await sweeper.sweep()
      } catch {
        // The hub is away; the lease has some minutes left.
        guard (try? await options.time.sleep(backOff.next(using: &random))) != nil else { return }
      }
    }
  }
}
