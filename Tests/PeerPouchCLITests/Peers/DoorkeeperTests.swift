#if WebRTC
  import PouchCore
  import Synchronization
  import TestSupport
  import Testing

  @testable import PeerPouch
  @testable import PeerPouchCLI

  /// Whom an answer at the terminal lets in.
  @Suite(.timeLimit(.minutes(5)))
  struct DoorkeeperTests {
    private let answers = AnswerLines { _ in }
    private let doorkeeper: Doorkeeper
    private let messages: AsyncStream<Doorkeeper.Message>

    init() {
      let (messages, shown) = AsyncStream.makeStream(of: Doorkeeper.Message.self, bufferingPolicy: .bufferingNewest(64))
      self.messages = messages
      doorkeeper = Doorkeeper(answers) { shown.yield($0) }
    }

    private func remote() -> RemoteRequest {
      var generator = SystemRandomNumberGenerator()
      return RemoteRequest(Identity(using: &generator).fingerprint, info: [:], ticket: .none, standing: .new)
    }

    private struct Question: Equatable {
      let identity: Fingerprint
      let naming: Doorkeeper.Answer.Naming
    }

    /// What is shown, in its order.
    private struct Shown {
      struct Unexpected: Error {}

      var messages: AsyncStream<Doorkeeper.Message>.Iterator

      mutating func question() async throws -> Question {
        guard case .question(let remote, let naming)? = await messages.next(isolation: #isolation) else {
          throw Unexpected()
        }
        return Question(identity: remote.identity, naming: naming)
      }

      mutating func note() async throws {
        guard case .note? = await messages.next(isolation: #isolation) else { throw Unexpected() }
      }
    }

    /// Whether a remote gets in.
    private func isLetIn(_ remote: RemoteRequest) async -> Bool {
      await doorkeeper.decide(on: remote)
      return !remote.isPrevented
    }

    @Test func `a bare yes is for the one that is asked about, if nobody else waits`() async throws {
      let one = remote()
      async let isIn = isLetIn(one)
      var shown = Shown(messages: messages.makeAsyncIterator())
      #expect(try await shown.question().naming == .optional)
      answers.take("yes")
      #expect(await isIn)
      #expect(one.isRemembered)
    }

    @Test func `the next in line does not get the answer to a question that went unanswered`() async throws {
      let (one, next) = (remote(), remote())
      var shown = Shown(messages: messages.makeAsyncIterator())
      let first = Task { await isLetIn(one) }
      #expect(try await shown.question() == Question(identity: one.identity, naming: .optional))
      // Its minute is over.
      first.cancel()
      #expect(await !first.value)
      try await shown.note()
      async let isIn = isLetIn(next)
      #expect(try await shown.question().naming == .required)
      // The answer to the first one comes late.
      answers.take("yes")
      try await shown.note()
      answers.take("once \(one.identity.short)")
      try await shown.note()
      answers.take("yes \(next.identity.text.prefix(8))")
      #expect(await isIn)
      #expect(!one.isRemembered && next.isRemembered)
    }

    @Test func `where somebody else waits, who is let in has to be named, and who is not need not be`() async throws {
      let (one, other) = (remote(), remote())
      var shown = Shown(messages: messages.makeAsyncIterator())
      async let first = isLetIn(one)
      #expect(try await shown.question().naming == .optional)
      let second = Task { await isLetIn(other) }
      try await eventually { await doorkeeper.isSomebodyWaiting }
      answers.take("yes")
      try await shown.note()
      answers.take("no")
      #expect(await !first)
      // Now nobody else waits.
      #expect(try await shown.question() == Question(identity: other.identity, naming: .optional))
      answers.take("once")
      #expect(await second.value)
      #expect(!other.isRemembered)
    }

    @Test func `the end of the input refuses whoever comes`() async throws {
      async let first = isLetIn(remote())
      var shown = Shown(messages: messages.makeAsyncIterator())
      _ = try await shown.question()
      answers.end()
      #expect(await !first)
      #expect(await !isLetIn(remote()))
    }
  }
#endif
