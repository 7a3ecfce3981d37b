import CouchAPI
import PeerTrust
import PeerTunnel
import PouchCore
import Synchronization

/// Keeps one share of another peer reachable: looks it up, connects, and connects again after a loss, until it is closed
/// or refused.
///
/// All databases of one share that are open in this process go through one of these. ``run()`` is its one task.
actor PeerConnector {
  /// A connection and the share over it.
  struct Line: Sendable {
    let session: PeerSession
    let carrier: ShareCarrier
    /// Tells it from others over the same connection.
    let token = Latch<Void>()
  }

  nonisolated let address: ShareAddress
  nonisolated let states = Broadcast<PeerConnectionState>(.signalling)
  private let peer: LocalPeer
  private let ticket: Ticket?
  private let info: JSON
  /// Those who want to send something.
  private var arrival = Latch<Result<Line, PouchError>>()
  /// Opened when a line turned out not to lead anywhere.
  private var loss = Latch<String>()
  /// Whether somebody may have to be asked whether this peer gets in.
  private var isAskedAbout = false
  /// What the last attempt failed with.
  private var lastError: PouchError?
  /// Opened when the hub turned out to have no such share.
  private nonisolated let absence = Latch<PouchError>()

  /// The share's record as it was read last; `nil` before.
  nonisolated var record: ShareRecord? { latestRecord.withLock(\.self) }
  private nonisolated let latestRecord = Mutex<ShareRecord?>(nil)

  /// Whether it may still come to a connection: not after a refusal, nor after its end.
  nonisolated var isUsable: Bool {
    switch states.present {
    case .refused?, .closed?, nil: false
    case .signalling?, .connecting?, .connected?, .reconnecting?: true
    }
  }

  init(_ address: ShareAddress, _ ticket: Ticket?, info: JSON, _ peer: LocalPeer) {
    self.address = address
    self.ticket = ticket
    self.info = info
    self.peer = peer
  }

  // MARK: For requests

  /// The line to send a request over; suspends while there is none.
  /// - Throws: ``PouchError/Code/unreachable`` after the peer's patience, and that of whom the owner asks; ``PouchError/Code/forbidden`` if it is refused;
  ///   ``PouchError/closed``; ``PouchError/Code/cancelled``.
  func line() async throws -> Line {
    let arrival = arrival
    if let line = arrival.value { return try line.get() }
    do {
      for patience in [peer.options.patience, TrustLimits.decision] {
        if let line = try await peer.options.time.limit(patience, { try await arrival.wait() }) {
          return try line.get()
        }
        guard isAskedAbout, states.present == .signalling else { break }
      }
    } catch is CancellationError {
      throw PouchError(.cancelled)
    }
    throw PouchError(.unreachable, lastError?.reason ?? "There is no connection to the peer.")
  }

  /// Notes that requests over a line are not taken any more.
  func lost(_ line: Line, _ reason: String) {
    guard case .success(let present)? = arrival.value, present.token === line.token else { return }
    loss.open(reason)
  }

  /// Suspends until it is clear whether the share can be used.
  /// - Throws: ``PouchError/Code/forbidden`` if it is refused, ``PouchError/Code/notFound`` if the hub has no such share,
  ///   what else prevented a connection for as long as the peer's patience; ``PouchError/Code/cancelled``.
  nonisolated func settle() async throws {
    do {
      try await withThrowingTaskGroup(of: Void.self) { group in
        defer { group.cancelAll() }
        group.addTask { _ = try await self.line() }
        group.addTask { throw try await self.absence.wait() }
        try await group.next()
      }
    } catch is CancellationError {
      throw PouchError(.cancelled)
    }
  }

  // MARK: Running

  func run() async {
    var backOff = BackOff()
    var random = peer.options.random
    while !Task.isCancelled {
      do {
        let line = try await connect()
        backOff.reset()
        arrival.open(.success(line))
        let reason = try await serve(line)
        arrival = Latch()
        loss = Latch()
        await line.session.giveUp(line.carrier)
        states.send(.reconnecting(reason))
        continue
      } catch let error as Opening.Refused where isFinal(error.refusal) {
        states.send(.refused(error.refusal))
        arrival.open(.failure(PouchError(.forbidden, sentence(error.refusal))))
        return
      } catch is Opening.NewEpoch {
        continue
      } catch let error as Opening.Refused {
        lastError = PouchError(.unreachable, sentence(error.refusal))
      } catch let error as PouchError {
        if error == .closed { peer.hubs.forget(address.hub) }
        if error.code == .notFound { absence.open(error) }
        lastError = error
      } catch is CancellationError {
        break
      } catch {
        lastError = PouchError(.unreachable, "\(error)", underlying: error)
      }
      states.send(.reconnecting(lastError?.reason ?? ""))
      guard (try? await pause(backOff.next(using: &random))) != nil else { break }
    }
    if let line = try? arrival.value?.get() { await line.session.giveUp(line.carrier) }
    arrival.open(.failure(.closed))
  }

  /// After ``run()``: nothing is sent any more.
  nonisolated func end() {
    states.send(.closed)
    states.end()
  }

  /// Waits; less long if the share's record changes meanwhile.
  private func pause(_ duration: Duration) async throws {
    let (peer, address) = (peer, address)
    _ = try await peer.options.time.limit(duration) {
      do {
        let hub = try await peer.hubs.hub(address.hub)
        let position = try await hub.info().updateSequence
        let query = ChangesQuery(.live, ids: [DocumentID(address.share.text)])
        _ = try await hub.nextChanges(query, after: position, limit: 1)
      } catch is PouchError {
        try await peer.options.time.sleep(duration)
      }
    }
  }

  private func isFinal(_ refusal: Refusal) -> Bool { refusal != .busy && refusal != .closed }

  private func sentence(_ refusal: Refusal) -> String {
    switch refusal {
    case .forbidden: "The sharer does not let this identity in."
    case .ticket: "The sharer does not know the ticket."
    case .ticketExpired: "The ticket has expired."
    case .ticketClaimed: "The ticket belongs to another identity already."
    case .busy: "The sharer has too many connections."
    case .closed: "The sharer is taking the share back."
    default: "The sharer refuses: \(refusal.rawValue)"
    }
  }

  // MARK: One connection

  private func connect() async throws -> Line {
    states.send(.signalling)
    let hub = try await peer.hubs.hub(address.hub)
    let record = try await ShareReader(peer, hub).record(of: address.share)
    latestRecord.withLock { $0 = record }
    isAskedAbout = record.gate.contains(.ask)
    // Who is asked somewhere must not hold up the other shares.
    guard !isAskedAbout || ticket != nil else { return try await connect(record, hub) }
    return try await peer.switchboard.lines.turn(of: record.owner) { try await self.connect(record, hub) }
  }

  private func connect(_ record: ShareRecord, _ hub: any Database) async throws -> Line {
    for session in peer.switchboard.sessions(with: record.owner) {
      do {
        return Line(session: session, carrier: try await session.use(record.id, ticket))
      } catch let error as PouchError where error.code == .forbidden {
        // Of another instance of the same identity, it says nothing.
        if let refusal = Refusal(rawValue: error.reason), error.reason != OpeningRefusal.unknown, isFinal(refusal) {
          throw Opening.Refused(refusal: refusal)
        }
      } catch let error as PouchError where error.code.isTransient {
        // It has ended just now.
      }
    }
    let opening = Opening(
      peer: peer, hub: hub, record: record, ticket: ticket, info: info, report: { [states] in states.send($0) })
    let session = try await opening.run()
    peer.remember(record.owner.fingerprint, named: record.name)
    return Line(session: session, carrier: session.useFirstShare())
  }

  /// How often path and round-trip time are looked at.
  private static let look = Duration.seconds(5)

  /// Tells of the connection until it is lost.
  /// - Returns: why.
  private func serve(_ line: Line) async throws -> String {
    let (states, time, loss) = (states, peer.options.time, loss)
    states.send(await PeerConnector.state(of: line))
    return try await withThrowingTaskGroup(of: String?.self) { group in
      defer { group.cancelAll() }
      group.addTask { try await line.session.ended().reason }
      group.addTask { try await loss.wait() }
      group.addTask {
        while true {
          try await time.sleep(PeerConnector.look)
          let state = await PeerConnector.state(of: line)
          if state != states.present { states.send(state) }
        }
      }
      while let reason = try await group.next() {
        if let reason { return reason }
      }
      throw CancellationError()
    }
  }

  private static func state(of line: Line) async -> PeerConnectionState {
    let milliseconds = line.session.tunnel.statistics.roundTrip.map { ($0 / .milliseconds(1)).rounded() }
    // In milliseconds, so that not every ping is news.
    return .connected(await line.session.path(), roundTrip: milliseconds.map { .milliseconds(Int($0)) })
  }
}
