import PeerTrust
import PeerTunnel
import PouchCore

/// The second half of an opening, the same on both sides: candidates that are found late go both ways until there is a
/// channel.
///
/// It is the one place where an opening's ``Session`` lives while candidates are sealed with it.
actor CandidateExchange {
  private var session: Session
  private let link: any PeerLink
  private let post: SignalPost
  private var random: RandomSource

  init(_ session: Session, _ link: any PeerLink, _ post: SignalPost, _ random: RandomSource) {
    self.session = session
    self.link = link
    self.post = post
    self.random = random
  }

  /// Goes on until there is a channel.
  /// - Parameter further: the other side's signals, as they come.
  /// - Throws: what the connection or the hub fails with; `CancellationError`.
  func channel(_ further: AsyncStream<Signal>) async throws -> any MessageChannel {
    try await withThrowingTaskGroup(of: (any MessageChannel)?.self) { group in
      defer { group.cancelAll() }
      group.addTask { try await self.link.channel() }
      group.addTask {
        try await self.sendCandidates()
        return nil
      }
      group.addTask {
        for await signal in further { await self.take(signal) }
        return nil
      }
      while let result = try await group.next() {
        if let channel = result { return channel }
      }
      throw CancellationError()
    }
  }

  private func sendCandidates() async throws {
    while let candidates = await link.furtherCandidates(), !Task.isCancelled {
      let signal: Signal
      do throws(SignalProblem) {
        signal = try session.seal(candidates, using: &random)
      } catch {
        // More addresses than an opening may name: those that were named have to do.
        return
      }
      try await post.write(signal)
    }
  }

  private func take(_ signal: Signal) async {
    // What is not valid is ignored, not answered.
    guard let candidates = try? session.open(signal) else { return }
    await link.add(candidates)
  }
}
