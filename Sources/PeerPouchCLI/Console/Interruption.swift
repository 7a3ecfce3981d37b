import Foundation
import Synchronization

/// Ends the command early and cleanly: on Ctrl-C (SIGINT), on SIGTERM, when the terminal goes away (SIGHUP), and when
/// nobody reads the output of a live feed.
///
/// The first of these cancels the command's task, and wakes it where it waits for a descriptor. A second signal ends the
/// process on the spot.
final class Interruption: Sendable {
  enum Cause: Sendable {
    case signal
    case closedOutput
  }

  private struct State {
    var cause: Cause?
    var sources: [any DispatchSourceSignal] = []
  }

  private let state = Mutex(State())
  private let queue = DispatchQueue(label: "peerpouch.interruption")
  /// A pipe whose writing end is closed when it is time to end, so that `poll` sees it beside other descriptors.
  private let alarm: (reader: Int32, writer: Int32)
  private let causes: AsyncStream<Void>
  private let announce: AsyncStream<Void>.Continuation

  init() {
    var ends: [Int32] = [-1, -1]
    // Without a pipe (no descriptors left) `poll` ignores the negative number, and only cancellation remains.
    _ = pipe(&ends)
    alarm = (ends[0], ends[1])
    (causes, announce) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(1))
    for number in [SIGINT, SIGTERM] { watch(number) }
    // Whoever has it ignored, as `nohup` does, wants the command to go on.
    if !Interruption.isIgnored(SIGHUP) { watch(SIGHUP) }
  }

  private static func isIgnored(_ number: Int32) -> Bool {
    let handler = signal(number, SIG_IGN)
    signal(number, handler)
    return unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
  }

  private func watch(_ number: Int32) {
    signal(number, SIG_IGN)
    state.withLock { state in
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler { [weak self] in
        if self?.interrupt(.signal) == false { _exit(ExitCodes.interrupted) }
      }
      source.resume()
      state.sources.append(source)
    }
  }

  /// Why the command was ended early, if it was.
  var cause: Cause? { state.withLock { $0.cause } }

  /// - Returns: `false` if it was interrupted before.
  @discardableResult
  private func interrupt(_ cause: Cause) -> Bool {
    let isFirst = state.withLock { state in
      guard state.cause == nil else { return false }
      state.cause = cause
      return true
    }
    guard isFirst else { return false }
    close(alarm.writer)
    announce.yield()
    return true
  }

  /// Runs something in a task that is cancelled by an interruption.
  func run(_ body: @escaping @Sendable () async throws -> Void) async -> Result<Void, any Error> {
    await withTaskGroup(of: Result<Void, any Error>?.self) { group in
      group.addTask {
        do {
          return .success(try await body())
        } catch {
          return .failure(error)
        }
      }
      group.addTask { [causes] in
        var interruptions = causes.makeAsyncIterator()
        await interruptions.next()
        return nil
      }
      // The end of either child cancels the other: an interruption the work, the end of the work the watch.
      for await ending in group {
        group.cancelAll()
        if let ending { return ending }
      }
      return .failure(CancellationError())
    }
  }

  /// When an interruption ends waiting for a descriptor.
  enum Urgency: Sendable {
    case atOnce
    /// When the descriptor is not ready: a last word is written, unless that would hold up the end.
    case whenStuck
  }

  /// Waits until a descriptor is ready.
  /// - Parameters:
  ///   - events: as of `poll`.
  ///   - limit: how long to wait at most, in milliseconds; -1 is for ever.
  ///   - urgency: whether an interruption counts even if the descriptor is ready.
  /// - Returns: whether it is ready.
  /// - Throws: `CancellationError` when interrupted before or meanwhile.
  @discardableResult
  func wait(
    for events: Int32, on descriptor: Int32, atMost limit: Int32 = -1, _ urgency: Urgency = .atOnce
  ) throws -> Bool {
    var polled = [
      pollfd(fd: descriptor, events: Int16(events), revents: 0),
      pollfd(fd: alarm.reader, events: Int16(POLLIN), revents: 0),
    ]
    while poll(&polled, 2, limit) < 0 {
      guard errno == EINTR else { return true }
    }
    if polled[1].revents != 0, urgency == .atOnce || polled[0].revents == 0 { throw CancellationError() }
    return polled[0].revents != 0
  }

  /// Interrupts when the reader of a pipe goes away, for commands that may not write for long.
  func watchForClosedOutput(_ descriptor: Int32) {
    DispatchQueue(label: "peerpouch.output").async { [weak self, alarm] in
      var polled = [
        pollfd(fd: descriptor, events: 0, revents: 0), pollfd(fd: alarm.reader, events: Int16(POLLIN), revents: 0),
      ]
      while poll(&polled, 2, -1) < 0 {
        guard errno == EINTR else { return }
      }
      if polled[0].revents != 0 { self?.interrupt(.closedOutput) }
    }
  }
}
