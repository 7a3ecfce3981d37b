import CouchAPI
import HTTPTypes
import PouchCore
import Testing

@testable import PeerTunnel

@Suite(.timeLimit(.minutes(1)))
struct ShareTests {
  private static func named(_ name: String) -> ShareHandler {
    { _ in Response(.ok, body: .bytes(Array(name.utf8))) }
  }

  private static func ask(_ carrier: ShareCarrier) async throws -> String {
    let response = try await carrier.send(Request(.get, ["s"]))
    return String(decoding: try await response.body.collect(upTo: 100), as: UTF8.self)
  }

  @Test func `many shares go over one connection, both ways`() async throws {
    try await SessionPair.with(
      serving: Self.named("first"), openersHandlers: ["share-o": Self.named("opener's")],
      decide: { opening in
        opening.proof == [1] ? .accepted(Self.named(opening.share)) : .refused("That ticket is not good.")
      }
    ) { pair in
      let second = try await pair.opener.open(ShareOpening(share: "share-2", proof: [1]))
      let third = try await pair.opener.open(ShareOpening(share: "share-3", proof: [1]))
      let back = try await pair.sharer.open(ShareOpening(share: "share-o"))
      #expect(try await Self.ask(pair.opener.firstShare) == "first")
      #expect(try await Self.ask(second) == "share-2")
      #expect(try await Self.ask(third) == "share-3")
      #expect(try await Self.ask(back) == "opener's")
    }
  }

  @Test func `a refusal says why`() async throws {
    try await SessionPair.with(serving: echo, decide: { _ in .refused("no") }) { pair in
      do {
        _ = try await pair.opener.open(ShareOpening(share: "share-2"))
        Issue.record("It was let in.")
      } catch let error as PouchError {
        #expect(error == PouchError(.forbidden, "no"))
      }
    }
  }

  @Test func `the sharer cannot use the share it gives`() async throws {
    try await SessionPair.with(serving: echo) { pair in
      try await pair.sharer.ready()
      await expectError(.unreachable) { _ = try await pair.sharer.firstShare.send(Request(.get, ["s"])) }
    }
  }

  @Test func `a withdrawn share ends, and others go on`() async throws {
    let started = Signal()
    try await SessionPair.with(
      serving: { _ in
        started.happen()
        await Signal.cancellation()
        return Response(.ok)
      }, decide: { _ in .accepted(Self.named("second")) }
    ) { pair in
      let second = try await pair.opener.open(ShareOpening(share: "share-2"))
      let waiting = Task { try await pair.opener.firstShare.send(Request(.get, ["s"])) }
      await started.wait()
      pair.sharer.withdraw("share-1", "over")
      await expectError(.badResponse) { _ = try await waiting.value }
      await expectError(.unreachable) { _ = try await pair.opener.firstShare.send(Request(.get, ["s"])) }
      #expect(try await Self.ask(second) == "second")
    }
  }

  @Test func `a share that was left cannot be used any more`() async throws {
    try await SessionPair.with(serving: Self.named("first"), decide: { _ in .accepted(Self.named("2")) }) { pair in
      let second = try await pair.opener.open(ShareOpening(share: "share-2"))
      await second.close()
      await expectError(.unreachable) { _ = try await second.send(Request(.get, ["s"])) }
      #expect(try await Self.ask(pair.opener.firstShare) == "first")
    }
  }

  @Test func `an opening that is given up while somebody is asked leaves nothing behind`() async throws {
    let asked = Signal()
    let answer = Signal()
    try await SessionPair.with(
      serving: Self.named("first"),
      decide: { _ in
        asked.happen()
        await answer.wait()
        return .accepted(Self.named("2"))
      }
    ) { pair in
      let task = Task { try await pair.opener.open(ShareOpening(share: "share-2")) }
      await asked.wait()
      task.cancel()
      await expectError(.cancelled) { _ = try await task.value }
      answer.happen()
      let name = try await Self.ask(pair.opener.firstShare)
      #expect(name == "first")
    }
  }
}
