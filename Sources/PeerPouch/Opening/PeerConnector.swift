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
  /// What the last attempt failed with; opened where that does not pass by itself, and another one from the next attempt
  /// on.
  private var setback = Latch<PouchError>()
  private var lastError: PouchError?
  /// Whether somebody may have to be asked whether this peer gets in.
  private var isAskedAbout = false

  /// What the share's record said when it was read last, and how its owner looked before there was a connection; `nil` before
  /// it was read.
  nonisolated var share: SharedDatabase? { latestShare.withLock(\.self) }
  private nonisolated let latestShare = Mutex<SharedDatabase?>(nil)

  /// Whether it may still come to a connection: not after a refusal, nor after its end.
  nonisolated var isUsable: Bool {
    switch states.present {
    case .refused?, .closed?, nil: false
    case .signalling?, .asking?, .connecting?, .connected?, .reconnecting?: true
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
        guard isAskedAbout, isSignalling else { break }
      }
    } catch is CancellationError {
      throw PouchError(.cancelled)
    }
    throw PouchError(.unreachable, lastError?.reason ?? "There is no connection to the peer.")
  }

  private var isSignalling: Bool {
    switch states.present {
    case .signalling?, .asking?: true
    case .connecting?, .connected?, .reconnecting?, .refused?, .closed?, nil: false
    }
  }

  /// Notes that requests over a line are not taken any more.
  func lost(_ line: Line, _ reason: String) {
    guard case .success(let present)? = arrival.value, present.token === line.token else { return }
    loss.open(reason)
  }

  /// Suspends until it is clear whether the share can be used.
  /// - Throws: ``PouchError/Code/forbidden`` if it is refused, ``PouchError/Code/notFound`` if the hub has no such share,
  ///   another error that does not pass by itself if the last attempt ended with it, what else prevented a connection for
  ///   as long as the peer's patience; ``PouchError/Code/cancelled``.
  func settle() async throws {
    if let line = arrival.value {
      _ = try line.get()
      return
    }
    let setback = setback
    do {
      try await withThrowingTaskGroup(of: Void.self) { group in
        defer { group.cancelAll() }
        group.addTask { _ = try await self.line() }
        group.addTask { throw try await setback.wait() }
        try await group.next()
      }
    } catch is CancellationError {
      throw PouchError(.cancelled)
    }
  }

  // MARK: Running

  /// What became of an attempt to connect.
  private enum Outcome {
    case connected(Line)
    /// The owner says no, for good.
    case refused(Refusal)
    /// The owner has another key than the record said: it has started again.
    case newEpoch
    /// What may pass, sooner or later.
    case failed(PouchError)
  }

  /// How long a connection lasts at least that counts as a good one. An owner that lets in and leaves at once is asked
  /// ever less often.
  private static let lasting = Duration.seconds(30)

  func run() async {
    var backOff = BackOff()
    var random = peer.options.random
    attempts: while true {
      let outcome = await attempt()
      let wait: Duration
      switch outcome {
      case .connected(let line):
        guard let reason = await use(line, &backOff) else { break attempts }
        wait = backOff.nextButFirst(using: &random)
        states.send(.reconnecting(reason))
      case .refused(let refusal):
        states.send(.refused(refusal))
        return arrival.open(.failure(PouchError(.forbidden, sentence(refusal))))
      case .newEpoch:
        wait = backOff.nextButFirst(using: &random)
      case .failed(let error):
        guard !Task.isCancelled else { break attempts }
        lastError = error
        if !error.passes { setback.open(error) }
        wait = backOff.next(using: &random)
        states.send(.reconnecting(error.reason))
      }
      guard (try? await pause(wait)) != nil else { break }
    }
    arrival.open(.failure(.closed))
  }

  /// Has requests go over a line until it is lost.
  /// - Returns: why it was lost; `nil` if the task was cancelled.
  private func use(_ line: Line, _ backOff: inout BackOff) async -> String? {
    let start = peer.options.time.now()
    lastError = nil
    arrival.open(.success(line))
    let reason = try? await serve(line)
    arrival = Latch()
    loss = Latch()
    await line.session.giveUp(line.carrier)
    if peer.options.time.now() - start >= PeerConnector.lasting { backOff.reset() }
    return reason
  }

  private func attempt() async -> Outcome {
    if setback.value != nil { setback = Latch() }
    do {
      return .connected(try await connect())
    } catch let error as Opening.Refused {
      return isFinal(error.refusal)
        ? .refused(error.refusal) : .failed(PouchError(.unreachable, sentence(error.refusal)))
    } catch is Opening.NewEpoch {
      return .newEpoch
    } catch let error as PouchError {
      // Perhaps it can be opened anew.
      if error == .closed { peer.hubs.forget(address.hub) }
      return .failed(error)
    } catch {
      return .failed(PouchError(.unreachable, "\(error)", underlying: error))
    }
  }

  /// After ``run()``: nothing is sent any more.
  nonisolated func end() {
    states.send(.closed)
    states.end()
  }

  /// Waits; less long if the share's record changes meanwhile.
  private func pause(_ duration: Duration) async throws {
    try Task.checkCancellation()
    guard duration > .zero else { return }
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
    // Once it was let in, everybody is known.
    let standing = share?.standing ?? peer.standing(of: record.owner.fingerprint, named: record.name)
    let shared = SharedDatabase(record, at: address.hub, standing)
    latestShare.withLock { $0 = shared }
    isAskedAbout = record.gate.contains(.ask)
    if isAskedAbout { states.send(.asking(shared)) }
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

extension PouchError {
  /// Whether another attempt may soon succeed: servers that start again answer 500, and a hub that was closed in this process
  /// is opened anew.
  fileprivate var passes: Bool { code.isTransient || code == .internalError || self == .closed }
}
