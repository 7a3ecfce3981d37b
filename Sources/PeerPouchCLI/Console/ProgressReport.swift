import PeerPouch
import Synchronization

/// Shows a ``ProgressMeter`` on standard error, no more often than is good to read.
final class ProgressReport: Sendable {
  private let meter: Mutex<ProgressMeter>
  private let diagnostics: Diagnostics

  init(_ meter: ProgressMeter, to diagnostics: Diagnostics) {
    self.meter = Mutex(meter)
    self.diagnostics = diagnostics
  }

  /// Takes note of how far things are; cheap enough to be called for each document.
  func update(_ change: (inout ProgressMeter) -> Void) {
    let interval: Duration
    switch diagnostics.style {
    case .none: return
    case .status: interval = .milliseconds(200)
    case .json: interval = .seconds(1)
    case .lines: interval = .seconds(5)
    }
    let now = ContinuousClock.now
    let due: ProgressMeter? = meter.withLock { meter in
      change(&meter)
      return meter.isDue(at: now, every: interval) ? meter : nil
    }
    if let due { show(due, at: now) }
  }

  /// Ends the report. Machines get a last line with the final numbers, a terminal gets its line back.
  func finish() {
    diagnostics.clearStatus()
    if diagnostics.style == .json { show(meter.withLock { $0 }, at: .now) }
  }

  private func show(_ meter: ProgressMeter, at now: ContinuousClock.Instant) {
    switch diagnostics.style {
    case .none: break
    case .status: diagnostics.status(meter.sentence(at: now))
    case .lines: diagnostics.line(meter.sentence(at: now))
    case .json: diagnostics.line(meter.json(at: now).text)
    }
  }
}

extension ByteStream {
  /// The same bytes, counted as they pass.
  func counted(by progress: ProgressReport) -> ByteStream {
    ByteStream {
      var source = self.makeAsyncIterator()
      var done: Int64 = 0
      return {
        guard let piece = try await source.next() else { return nil }
        done += Int64(piece.count)
        progress.update { $0.done = done }
        return piece
      }
    }
  }
}
