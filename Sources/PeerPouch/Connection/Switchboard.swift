import PeerTrust
import PeerTunnel
import Synchronization

/// The connections of a peer, and the owner of the tasks in which they work.
final class Switchboard: Sendable {
  private struct State {
    var sessions: [Int: (session: PeerSession, task: Task<Void, Never>)] = [:]
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

  /// Has a connection work until it ends.
  /// - Returns: whether it may: not after the peer was closed.
  func run(_ session: PeerSession) -> Bool {
    state.withLock { state in
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

  /// Whether there is room for one more connection that this identity opens.
  func hasRoom(for remote: IdentityKey) -> Bool {
    let all = all
    return all.count < options.connections && all.count { $0.remote == remote } < options.connectionsPerIdentity
  }

  func disconnect(_ fingerprint: Fingerprint) async {
    for session in all where session.remote.fingerprint == fingerprint {
      session.leave(.notShared)
      _ = try? await session.ended()
    }
  }

  /// Ends all connections, and waits until they have.
  func close() async {
    let sessions = state.withLock { state in
      state.isClosed = true
      return Array(state.sessions.values)
    }
    for (session, _) in sessions { session.leave() }
    for (_, task) in sessions {
      // The goodbye has this long.
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
