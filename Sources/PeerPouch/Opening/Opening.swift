import PeerTrust
import PeerTunnel
import PouchCore

/// One attempt to open a share by way of its hub: from the offer to the hello.
struct Opening: Sendable {
  let peer: LocalPeer
  let hub: any Database
  let record: ShareRecord
  let ticket: Ticket?
  /// What the sharer's `onRemote` gets to see.
  let info: JSON
  let report: @Sendable (PeerConnectionState) -> Void

  /// The owner has said no.
  struct Refused: Error { let refusal: Refusal }
  /// The owner has a new key since the offer was made: it has started again.
  struct NewEpoch: Error {}

  /// How long an answer may take; longer if somebody has to be asked.
  private var patience: Duration {
    record.gate.contains(.ask) ? TrustLimits.decision + TrustLimits.handshake : TrustLimits.handshake
  }

  /// - Returns: the connection, over which the owner has proved who it is.
  /// - Throws: ``Refused``, ``NewEpoch``, ``PouchError/Code/timeout`` if no valid answer came, what the hub or the
  ///   connection fails with, `CancellationError`.
  func run() async throws -> PeerSession {
    let options = peer.options
    let link = try await options.transport(by: hub).link(as: .opener, to: nil)
    let post = SignalPost(hub, options)
    do {
      let session = try await connect(link, post)
      await post.clear()
      return session
    } catch {
      await link.close()
      await post.clear()
      throw error
    }
  }

  private func connect(_ link: any PeerLink, _ post: SignalPost) async throws -> PeerSession {
    let options = peer.options
    let random = options.random
    async let start = hub.info().updateSequence
    let description = try await link.description()
    let offer: OutgoingOffer
    var generator = random
    do throws(SignalProblem) {
      offer = try OutgoingOffer(
        to: record, from: peer.identity, description: description, info: info, ticket: ticket?.keys, using: &generator)
    } catch {
      throw PouchError(.badRequest, "The offer cannot be made: \(error).")
    }
    let position = try await start
    let feed = try SignalFeed(hub, to: offer.session.text, after: position, options)
    try await post.write(offer.signal)
    let mail = OpeningMail(offer, feed)
    let channel = try await withThrowingTaskGroup(of: (any MessageChannel, Session)?.self) { group in
      defer { group.cancelAll() }
      group.addTask {
        try await mail.read()
        return nil
      }
      group.addTask {
        try await self.watchEpoch(after: position)
        return nil
      }
      group.addTask {
        guard let answer = try await options.time.limit(self.patience, { try await mail.answer.wait() }) else {
          throw PouchError(.timeout, "The sharer does not answer.")
        }
        switch answer {
        case .refused(let refusal): throw Refused(refusal: refusal)
        case .accepted(let session, let description):
          self.report(.connecting)
          try await link.connect(to: description)
          let exchange = CandidateExchange(session, link, post, random)
          let channel = try await options.time.limit(TrustLimits.handshake) {
            try await exchange.channel(mail.further)
          }
          guard let channel else { throw PouchError(.timeout, "No path to the peer was found in time.") }
          return (channel, session)
        }
      }
      while let result = try await group.next() {
        if let result { return result }
      }
      throw CancellationError()
    }
    return try await peer.connect(channel.0, link, channel.1, info: [:]) { _ in nil }
  }

  /// Fails as soon as the share's record has another epoch; the hub's own troubles are the others' to notice.
  private func watchEpoch(after position: UpdateSequence) async throws {
    let reader = try ShareReader(peer, hub)
    let query = ChangesQuery(.live, ids: [DocumentID(record.id.text)])
    do {
      var position = position
      // It may have changed since it was read and before the position.
      while try await reader.record(of: record.id).epoch == record.epoch {
        position = try await hub.nextChanges(query, after: position, limit: 1).lastSequence
      }
      throw NewEpoch()
    } catch is PouchError {
      return
    }
  }
}

/// What the sharer sends to one opening.
actor OpeningMail {
  private let offer: OutgoingOffer
  private let feed: SignalFeed
  private let inbox: AsyncStream<Signal>.Continuation
  /// The first valid answer.
  nonisolated let answer = Latch<OutgoingOffer.Answer>()
  /// Further candidates; those that come before the answer wait.
  nonisolated let further: AsyncStream<Signal>

  init(_ offer: OutgoingOffer, _ feed: SignalFeed) {
    self.offer = offer
    self.feed = feed
    (further, inbox) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(4 * TrustLimits.furtherSignals))
  }

  /// Reads until the task is cancelled. What is not valid is ignored.
  func read() async throws {
    defer { inbox.finish() }
    var feed = feed
    var backOff = BackOff()
    var random = feed.options.random
    while true {
      do {
        let documents = try await feed.next()
        backOff.reset()
        for document in documents { take(document) }
        await SignalFeed.delete(documents, from: feed.hub, feed.options.time)
      } catch let error as PouchError where error.code.isTransient {
        try await feed.options.time.sleep(backOff.next(using: &random))
      }
    }
  }

  private func take(_ document: Document) {
    guard let signal = try? Signal(document) else { return }
    switch signal.kind {
    case .answer?:
      guard answer.value == nil, let opened = try? offer.open(signal) else { return }
      answer.open(opened)
    case .more?: inbox.yield(signal)
    case .offer?, nil: return
    }
  }
}
