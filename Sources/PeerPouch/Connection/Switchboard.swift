import PeerTrust
import PeerTunnel
import Synchronization

/// The connections of a peer, and the owner of the tasks in which they work.
final class Switchboard: Sendable {
  private struct State {
    var sessions: [Int: (session: PeerSession, task: Task<Void, Never>)] = [:]
    /// Who has a place for a connection that is being made.
    var places: [Place: IdentityKey] = [:]
    var nextKey = 0
    var isClosed = false
  }

  private let state = Mutex(State())
  private let options: PeerOptions
  /// One opening to an identity at a time, so that a second share of it finds the connection that the first one makes.
  let lines = IdentityLines()

  init(_ options: PeerOptions) {
    self.options = options
  }

  /// A place for one connection that others open.
  struct Place: Hashable, Sendable {
    fileprivate let key: Int
  }

  /// Has a connection work until it ends.
  /// - Parameter place: what was kept for it.
  /// - Returns: whether it may: not after the peer was closed.
  func run(_ session: PeerSession, in place: Place?) -> Bool {
    state.withLock { state in
      if let place { state.places[place] = nil }
      guard !state.isClosed else { return false }
      state.nextKey += 1
      let key = state.nextKey
      let task = Task { [self] in
        await session.run()
        self.state.withLock { _ = $0.sessions.removeValue(forKey: key) }
      }
      state.sessions[key] = (session, task)
      return true
    }
  }

  var all: [PeerSession] { state.withLock { $0.sessions.values.map(\.session) } }

  /// Connections to an identity that are there, those made last first.
  func sessions(with remote: IdentityKey) -> [PeerSession] {
    state.withLock { state in
      state.sessions.sorted { $0.key > $1.key }.map(\.value.session)
        .filter { $0.remote == remote && !$0.hasEnded }
    }
  }

  /// Whether there is room for one more connection that this identity opens, beside those that are there or being made.
  func hasRoom(for remote: IdentityKey) -> Bool { state.withLock { hasRoom(for: remote, $0) } }

  private func hasRoom(for remote: IdentityKey, _ state: State) -> Bool {
    let own = state.sessions.values.count { $0.session.remote == remote } + state.places.values.count { $0 == remote }
    return state.sessions.count + state.places.count < options.connections && own < options.connectionsPerIdentity
  }

  /// Keeps a place for a connection that this identity opens, until it is there or given back.
  /// - Returns: `nil` if there is no room.
  func place(for remote: IdentityKey) -> Place? {
    state.withLock { state in
      guard hasRoom(for: remote, state) else { return nil }
      state.nextKey += 1
      let place = Place(key: state.nextKey)
      state.places[place] = remote
      return place
    }
  }

  /// Gives a place back that is not needed, or was taken.
  func giveBack(_ place: Place) {
    state.withLock { _ = $0.places.removeValue(forKey: place) }
  }

  /// Ends the connections to an identity, and waits until they have ended.
  func disconnect(_ fingerprint: Fingerprint) async {
    let sessions = state.withLock { state in
      state.sessions.values.filter { $0.session.remote.fingerprint == fingerprint }
    }
    await end(sessions, .notShared)
  }

  /// Ends all connections, and waits until they have.
  func close() async {
    let sessions = state.withLock { state in
      state.isClosed = true
      return Array(state.sessions.values)
    }
    await end(sessions, .done)
  }

  private func end(_ sessions: [(session: PeerSession, task: Task<Void, Never>)], _ reason: GoodbyeReason) async {
    for (session, _) in sessions { session.leave(reason) }
    for (_, task) in sessions {
      // The goodbye has this long, as the other side may have stopped reading.
      let timer = Task {
        try await options.time.sleep(.seconds(2))
        task.cancel()
      }
      await task.value
      timer.cancel()
    }
  }
}

/// Lets one task at a time deal with an identity; the others wait in line.
final class IdentityLines: Sendable {
  private struct Line {
    var isBusy = false
    var waiting: [(key: Int, latch: Latch<Void>)] = []
  }

  private struct State {
    var lines: [IdentityKey: Line] = [:]
    var nextKey = 0
  }

  private let state = Mutex(State())

  /// Runs work when it is its turn.
  /// - Throws: `CancellationError` while it waits, and what the work throws.
  func turn<Value>(of identity: IdentityKey, _ work: () async throws -> Value) async throws -> Value {
    try await enter(identity)
    defer { leave(identity) }
    return try await work()
  }

  private func enter(_ identity: IdentityKey) async throws {
    let place = state.withLock { state -> (key: Int, latch: Latch<Void>)? in
      if state.lines[identity]?.isBusy != true {
        state.lines[identity, default: Line()].isBusy = true
        return nil
      }
      state.nextKey += 1
      let place = (state.nextKey, Latch<Void>())
      state.lines[identity]?.waiting.append(place)
      return place
    }
    guard let place else { return }
    do {
      try await place.latch.wait()
    } catch {
      let hadTurn = state.withLock { state -> Bool in
        guard let index = state.lines[identity]?.waiting.firstIndex(where: { $0.key == place.key }) else { return true }
        state.lines[identity]?.waiting.remove(at: index)
        return false
      }
      if hadTurn { leave(identity) }
      throw error
    }
  }

  private func leave(_ identity: IdentityKey) {
    let next = state.withLock { state -> Latch<Void>? in
      guard var line = state.lines[identity] else { return nil }
      if line.waiting.isEmpty {
        state.lines[identity] = nil
        return nil
      }
      let next = line.waiting.removeFirst()
      state.lines[identity] = line
      return next.latch
    }
    next?.open(())
  }
}
