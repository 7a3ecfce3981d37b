import PeerTrust
import PeerTunnel
import PouchCore

/// The sharer's side of an opening that was let in: from the offer to the hello.
struct Answering: Sendable {
  let desk: ShareDesk
  let offer: ReceivedOffer
  /// Signals of the opener that come after its offer.
  let further: AsyncStream<Signal>
  let admission: ShareDesk.Admission

  /// Makes the connection, over which the opener proves who it is, and gives it to the desk.
  /// - Throws: what fails; `CancellationError`.
  func run() async throws {
    let post = SignalPost(desk.hub, desk.options)
    do {
      let session = try await connect(post)
      guard await desk.attach(session, admission) else {
        session.leave(.notShared)
        throw PouchError(.cancelled)
      }
      await post.clear()
    } catch {
      await post.clear()
      throw error
    }
  }

  private func connect(_ post: SignalPost) async throws -> PeerSession {
    let options = desk.options
    let link = try await options.transport(by: desk.hub).link(as: .sharer, to: offer.description)
    do {
      let description = try await link.description()
      var random = options.random
      let (answer, trust) = try offer.accept(as: desk.peer.identity, description: description, using: &random)
      try await post.write(answer)
      let exchange = CandidateExchange(trust, link, post, random)
      let channel = try await exchange.channel(further)
      return try await desk.peer.connect(
        channel, link, trust, info: offer.info, in: admission.place,
        serving: { desk.handler(for: offer.remote, $0) })
    } catch {
      await link.close()
      throw error
    }
  }
}
