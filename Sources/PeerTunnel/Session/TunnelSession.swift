import PouchCore
import Synchronization

/// A connection to a peer at work: requests to its shares, and answers to its own.
///
/// ```swift
/// let session = TunnelSession(channel, .opener, proof)
/// async let end = session.run()
/// let theirs = RemoteDatabase(carrier: session.firstShare, path: [shareID], name: url)
/// try await theirs.info()
/// ```
///
/// ``run()`` owns everything: the session's own tasks, those that answer requests and those that send bodies all end
/// before it returns. It may be given requests before that; they wait.
///
/// A class with a lock, not an actor: what is done under the lock is a few steps of a ``TunnelMachine``, which never
/// suspend, and a thousand tasks that read and write at once would each pay two hops to an actor, where they now mostly
/// take an uncontended lock.
public final class TunnelSession: Sendable {
  let channel: any MessageChannel
  let limits: TunnelLimits
  let decide: @Sendable (ShareOpening) async -> ShareDecision
  private let state: Mutex<SessionState>

  /// - Parameters:
  ///   - channel: is the session's alone from now on, which closes it.
  ///   - side: what was agreed by signals.
  ///   - proof: what the hellos prove.
  ///   - limits: the bounds of what the peer may do.
  ///   - decide: is asked when the peer wants to use another share; all are refused unless given.
  public init(
    _ channel: any MessageChannel, _ side: TunnelSide, _ proof: HelloProof, limits: TunnelLimits = TunnelLimits(),
    decide: @escaping @Sendable (ShareOpening) async -> ShareDecision = { _ in .refused("There is no such share.") }
  ) {
    self.channel = channel
    self.limits = limits
    self.decide = decide
    let machine = TunnelMachine(side.role, hello: proof.own, verify: proof.verify, limits: limits, at: .now)
    state = Mutex(SessionState(machine, side))
  }

  // MARK: Running

  /// Works until the session ends: by ``leave(_:_:)``, by the peer, or with the channel. Everything that waits for it
  /// then fails with a passing error (``PouchError/Code/isTransient``).
  ///
  /// Cancelling the task ends the session at once, without a goodbye.
  /// It returns when all work on requests of the peer has ended, which is cancelled first: handlers must heed that.
  /// - Returns: how it ended.
  @concurrent
  public func run() async -> SessionEnd {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.send() }
      group.addTask { await self.receive() }
      group.addTask { await self.watchTheClock() }
      await group.next()
      group.cancelAll()
      await channel.close()
    }
    let (end, tasks) = withState { state in
      let end = state.settle(.channelLost)
      return (end, Array(state.tasks.values))
    }
    for task in tasks { task.cancel() }
    for task in tasks { await task.value }
    return end
  }

  /// Sends what there is to be sent, until the session is over.
  private func send() async {
    while let message = await nextMessage() {
      do {
        try await channel.send(message)
      } catch {
        return
      }
    }
  }

  /// Takes what comes, until nothing does.
  private func receive() async {
    do {
      while let message = try await channel.receive() {
        withState { state in
          state.statistics.received += Int64(message.count)
          self.take(message, &state)
        }
      }
    } catch {
      // However the channel was lost.
    }
    withState { _ = $0.settle(.channelLost) }
  }

  private func take(_ message: [UInt8], _ state: inout SessionState) {
    let now = ContinuousClock.now
    do throws(ProtocolViolation) {
      let events = try state.machine.receive(message, at: now)
      handle(events, &state, at: now)
    } catch {
      // The machine has a goodbye for the peer, after which the sender returns.
      _ = state.settle(.violation(error))
    }
  }

  private func watchTheClock() async {
    var isOver = false
    while !isOver, (try? await Task.sleep(for: limits.tick)) != nil {
      isOver = withState { state in
        let now = ContinuousClock.now
        // The sender had the time of a tick for its goodbye.
        let wasOver = state.end != nil
        self.handle(state.machine.tick(at: now), &state, at: now)
        return wasOver
      }
    }
  }

  private enum NextStep {
    case message([UInt8])
    case wait
    case end
  }

  private func nextMessage() async -> [UInt8]? {
    while !Task.isCancelled {
      let step = withQuietState { state -> NextStep in
        if let message = state.nextMessage() { return .message(message) }
        if case .ended = state.machine.phase { return .end }
        state.isIdle = true
        return .wait
      }
      switch step {
      case .message(let bytes): return bytes
      case .end: return nil
      case .wait: await waitForOutput()
      }
    }
    return nil
  }

  private func waitForOutput() async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        withQuietState { state in
          if state.isIdle, !Task.isCancelled {
            state.sender = continuation
          } else {
            state.resumptions.add(continuation, .success(()))
          }
        }
      }
    } onCancel: {
      withQuietState { $0.wakeSender() }
    }
  }

  // MARK: State

  /// Does something with the state, and sends what there is to be sent.
  func withState<Value: Sendable, Failure: Error>(
    _ body: (inout SessionState) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    try withQuietState { (state: inout SessionState) throws(Failure) -> Value in
      defer { if state.machine.hasOutput { self.sendNow(&state) } }
      return try body(&state)
    }
  }

  /// Hands messages to the channel, which most often takes them at once: another task would cost two changes of threads.
  /// What it does not take is the sender's, as is everything while the sender is at work, so that the order is kept.
  private func sendNow(_ state: inout SessionState) {
    guard state.isIdle else { return }
    while let message = state.nextMessage() {
      guard channel.offer(message) else {
        state.refused = message
        return state.wakeSender()
      }
    }
    // The goodbye was the last one.
    if case .ended = state.machine.phase { state.wakeSender() }
  }

  /// Does something with the state, and afterwards, also if that throws, what must not be done under the lock: cancelling a
  /// task runs the handlers of its cancellation, and dropping a body ends its stream, both of which take the lock, and who
  /// is resumed may be within such a handler.
  private func withQuietState<Value: Sendable, Failure: Error>(
    _ body: (inout SessionState) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    let (result, leftovers) = state.withLock { state in
      let result = Result { () throws(Failure) in try body(&state) }
      for number in state.machine.takeGone() { state.exchanges[number] = nil }
      return (result, state.takeLeftovers())
    }
    leftovers.resumptions.run()
    for task in leftovers.cancelled { task.cancel() }
    return try result.get()
  }

  /// What is known of the session now.
  public var statistics: TunnelStatistics {
    let unsent = channel.bufferedAmount
    return withState { state in
      var statistics = state.statistics
      statistics.unsent = unsent
      statistics.ownRequests = state.machine.ownLive
      statistics.peerRequests = state.machine.peerLive
      statistics.roundTrip = state.machine.roundTrip
      return statistics
    }
  }
}
