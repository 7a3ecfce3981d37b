import PouchCore
import Synchronization

/// What all requests of one connection share: how many of some kinds go at the same time.
public final class PeerQuota: Sendable {
  let feeds: Allowance
  let lists: Allowance
  let documents: Allowance
  let bodies: Allowance
  /// Local documents are counted and written one at a time.
  let localWrites = Allowance(1)

  public init(_ limits: AccessLimits = AccessLimits()) {
    feeds = Allowance(limits.feeds)
    lists = Allowance(limits.lists)
    documents = Allowance(limits.documents)
    bodies = Allowance(limits.bodiesInMemory)
  }
}

/// A number of units that are taken and given back; those who find too few wait in line.
final class Allowance: Sendable {
  private struct Waiter {
    let key: Int
    let units: Int
    let continuation: CheckedContinuation<Void, any Error>
  }

  private struct State {
    var free: Int
    var waiting: [Waiter] = []
    var nextKey = 0

    mutating func takeNext() -> [Waiter] {
      var served: [Waiter] = []
      while let first = waiting.first, first.units <= free {
        free -= first.units
        served.append(waiting.removeFirst())
      }
      return served
    }
  }

  /// Units that were taken; given back when it is dropped.
  final class Share: Sendable {
    private let allowance: Allowance
    private let units: Int

    fileprivate init(_ allowance: Allowance, _ units: Int) {
      self.allowance = allowance
      self.units = units
    }

    deinit { allowance.giveBack(units) }
  }

  private let total: Int
  private let state: Mutex<State>

  init(_ total: Int) {
    self.total = total
    state = Mutex(State(free: total))
  }

  /// Takes units if they are free.
  func takeNow(_ units: Int = 1) -> Share? {
    let isTaken = state.withLock { state in
      guard state.waiting.isEmpty, state.free >= units else { return false }
      state.free -= units
      return true
    }
    return isTaken ? Share(self, units) : nil
  }

  /// Takes units, as soon as those who came before have theirs. More than there are count as all of them.
  /// - Throws: ``PouchError/Code/cancelled``.
  func take(_ units: Int = 1) async throws -> Share {
    let units = min(units, total)
    if let share = takeNow(units) { return share }
    let key = state.withLock { state in
      state.nextKey += 1
      return state.nextKey
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        let served = state.withLock { state -> [Waiter]? in
          guard !Task.isCancelled else { return nil }
          state.waiting.append(Waiter(key: key, units: units, continuation: continuation))
          return state.takeNext()
        }
        if served == nil { continuation.resume(throwing: PouchError(.cancelled)) }
        for waiter in served ?? [] { waiter.continuation.resume() }
      }
    } onCancel: {
      let (cancelled, served) = state.withLock { state -> (Waiter?, [Waiter]) in
        guard let index = state.waiting.firstIndex(where: { $0.key == key }) else { return (nil, []) }
        return (state.waiting.remove(at: index), state.takeNext())
      }
      cancelled?.continuation.resume(throwing: PouchError(.cancelled))
      for waiter in served { waiter.continuation.resume() }
    }
    return Share(self, units)
  }

  private func giveBack(_ units: Int) {
    let served = state.withLock { state in
      state.free += units
      return state.takeNext()
    }
    for waiter in served { waiter.continuation.resume() }
  }
}
