import PouchCore

extension TunnelMachine {
  /// Looks at the clock: what waits for too long ends, and a ping is sent when it is time.
  mutating func tick(at now: ContinuousClock.Instant) -> [TunnelEvent] {
    switch phase {
    case .ended, .leaving: return []
    case .opening:
      guard now - started > limits.hello else { return [] }
      leave(.silence)
      return [.ended(.silence)]
    case .open: break
    }
    // A channel that takes nothing is as dead as one that brings nothing.
    let isBlocked = outstanding.map { now - $0 > limits.stall } ?? false
    if now - lastReceived > limits.silence || isBlocked {
      leave(.silence)
      return [.ended(.silence)]
    }
    schedulePing(at: now)
    return endStalled(at: now)
  }

  private mutating func schedulePing(at now: ContinuousClock.Instant) {
    let sinceLast = ping.lastSent.map { now - $0 } ?? .zero
    let isBusy = ping.receivedSince > 0 && sinceLast >= limits.busyPing
    if isBusy || (now - lastReceived >= limits.ping && sinceLast >= limits.ping) { ping.isDue = true }
  }

  private mutating func endStalled(at now: ContinuousClock.Instant) -> [TunnelEvent] {
    var events: [TunnelEvent] = []
    for (number, stream) in streams where !stream.isCancelled {
      guard let reason = stall(of: stream, at: now) else { continue }
      events.append(.failed(number, PouchError(.timeout, reason)))
    }
    for case .failed(let number, _) in events { cancel(number, .stalled, at: now) }
    return events
  }

  /// What a stream waits for in vain.
  private func stall(of stream: TunnelStream, at now: ContinuousClock.Instant) -> String? {
    if stream.unsent > 0, stream.sending == .body, now - stream.lastSent > limits.stall,
      stream.sendingWindow.room <= 0 || sendingWindow.room <= 0
    {
      return "The peer did not read for too long."
    }
    switch stream.receiving {
    case .head:
      let last = max(stream.lastReceived, stream.lastSent)
      guard stream.isOnWire else { return nil }
      let isTooLate = now - last > (stream.opener == .own ? limits.answer : limits.stall)
      return isTooLate ? "The peer did not answer in time." : nil
    case .body:
      let isOwed = stream.inbox.isEmpty && !stream.isDiscarding
      return isOwed && now - stream.lastReceived > limits.stall ? "The peer did not go on for too long." : nil
    case .ended, .done: return nil
    }
  }

  /// Ends the session at once, as the other side does, or the channel.
  /// - Parameter taken: the highest number of this side's streams that the peer says it has looked at; `nil` if it says
  ///   nothing.
  /// - Returns: the failures of all streams, and the end itself.
  mutating func end(_ end: SessionEnd, taken: StreamNumber? = nil) -> [TunnelEvent] {
    if case .ended = phase, streams.isEmpty { return [] }
    phase = .ended
    var events: [TunnelEvent] = []
    for (number, stream) in streams.sorted(by: { $0.key < $1.key }) where !stream.isCancelled {
      if stream.receiving == .done || stream.receiving == .ended { continue }
      let isKnownUntouched = stream.opener == .own && (!stream.isOnWire || taken.map { number > $0 } ?? false)
      events.append(.failed(number, PouchError(isKnownUntouched ? .unreachable : .badResponse, end.reason)))
    }
    events.append(.ended(end))
    return events
  }
}
