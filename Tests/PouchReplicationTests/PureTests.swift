import Foundation
import PouchCore
import TestSupport
import Testing

@testable import PouchReplication

struct ContiguousPrefixTests {
  private func sequence(_ number: Int) -> UpdateSequence { UpdateSequence(String(number)) }

  @Test func `pieces finished out of order advance the prefix only when the gap closes`() {
    var prefix = ContiguousPrefix()
    var grew: Bool
    let pieces = (1...4).map { prefix.begin(endingAt: sequence($0)) }
    grew = prefix.finish(pieces[1]...pieces[2])
    #expect(!grew)
    #expect(prefix.position == nil)
    grew = prefix.finish(pieces[0]...pieces[0])
    #expect(grew)
    #expect(prefix.position == sequence(3))
    #expect(!prefix.isComplete)
    grew = prefix.finish(pieces[3]...pieces[3])
    #expect(grew)
    #expect(prefix.position == sequence(4))
    #expect(prefix.isComplete)
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func `whatever the order, the prefix is what is finished from the start on`(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var prefix = ContiguousPrefix()
    var open: Set<Int> = []
    var finished: Set<Int> = []
    var begun = 0
    for _ in 0..<300 {
      if open.isEmpty || Bool.random(using: &generator) {
        open.insert(prefix.begin(endingAt: sequence(begun)))
        begun += 1
      } else if let piece = open.sorted().randomElement(using: &generator) {
        open.remove(piece)
        finished.insert(piece)
        prefix.finish(piece...piece)
      }
      let expected = (0..<begun).prefix { finished.contains($0) }.last
      #expect(prefix.position == expected.map { sequence($0) }, "seed \(seed)")
      #expect(prefix.isComplete == open.isEmpty, "seed \(seed)")
    }
  }
}

struct LedgerTests {
  @Test func `the board ends with the position that the ledger ends with, however workers race`() async {
    for _ in 0..<2000 {
      let board = ProgressBoard()
      let ledger = Ledger(board: board)
      let pieces = (1...4).map { ledger.begin(endingAt: UpdateSequence(String($0))) }
      await withTaskGroup(of: Void.self) { group in
        for piece in pieces { group.addTask { ledger.finish(piece) } }
      }
      guard board.progress.lastSequence == ledger.position else {
        Issue.record("The board has an earlier position than the ledger.")
        return
      }
    }
  }
}

struct BackOffTests {
  @Test func `delays double up to the longest and start over after a success`() {
    var backOff = BackOff()
    var delays = (0..<12).map { _ in backOff.next(random: .max) }
    #expect(delays[0] == ReplicationTuning.firstRetryDelay)
    #expect(delays[1] == ReplicationTuning.firstRetryDelay * 2)
    #expect(delays.last == ReplicationTuning.longestRetryDelay)
    backOff.reset()
    delays = [backOff.next(random: 0)]
    #expect(delays == [ReplicationTuning.firstRetryDelay / 2])
  }

  @Test func `a server that names a delay is obeyed within bounds`() {
    var backOff = BackOff()
    let named = [Duration.seconds(9), .seconds(1 << 40), .seconds(-5)]
    let delays = named.map { backOff.next(retryAfter: $0, random: 0) }
    #expect(delays[0] == .seconds(9))
    #expect(delays[1] == ReplicationTuning.longestRetryAfter)
    #expect(delays[2] > .zero)
  }
}

struct ReplicationIDTests {
  private func id(_ options: ReplicationOptions = .once, source: String = "a", target: String = "b") -> String {
    ReplicationID(source: source, target: target, options).digits
  }

  @Test func `it depends on the databases and on what is copied, and on nothing else`() throws {
    let plain = id()
    #expect(plain.count == 32)
    #expect(plain == id(.live))
    #expect(plain == id(ReplicationOptions(batchDocuments: 3)))
    let others = [
      id(source: "c"), id(target: "c"), id(source: "b", target: "a"), id(ReplicationOptions(ids: ["x"])),
      id(ReplicationOptions(ids: ["x", "y"])), id(ReplicationOptions(ids: [])),
      id(ReplicationOptions(filter: ReplicationFilter("f") { _ in true })),
      id(ReplicationOptions(filter: ReplicationFilter("g") { _ in true })),
      id(ReplicationOptions(selector: try Selector(["a": 1]))),
      id(ReplicationOptions(selector: try Selector(["a": 2]))),
      id(ReplicationOptions(designDocuments: .skipped)), id(ReplicationOptions(since: .now)),
      id(ReplicationOptions(since: .after(UpdateSequence("7-x")))),
    ]
    #expect(Set(others + [plain]).count == others.count + 1)
    #expect(
      id(ReplicationOptions(selector: try Selector(["a": 1, "b": 2])))
        == id(ReplicationOptions(selector: try Selector(["b": 2, "a": 1]))))
    #expect(id(ReplicationOptions(ids: ["x", "y"])) == id(ReplicationOptions(ids: ["y", "x"])))
  }
}

struct SmallPartsTests {
  @Test(arguments: [
    (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (1_795_389_984, "Sun, 22 Nov 2026 23:26:24 GMT"),
    (951_827_696, "Tue, 29 Feb 2000 12:34:56 GMT"), (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
  ])
  func `dates are written as HTTP has them`(seconds: Int, text: String) {
    #expect(HTTPDate.text(of: seconds) == text)
    #expect(text.utf8.count == HTTPDate.length)
  }

  @Test func `of two positions the earlier is told only where they count the same`() {
    func earlier(_ left: String, _ right: String) -> String? {
      UpdateSequence.earlier(UpdateSequence(left), UpdateSequence(right))?.description
    }
    #expect(earlier("41-gxx", "36-gyy") == "36-gyy")
    #expect(earlier("9", "10") == "9")
    #expect(earlier("0", "10-abc") == "0")
    #expect(earlier("36-gxx", "36-gyy") == nil)
    #expect(earlier("[1,2]", "36-gyy") == nil)
    #expect(earlier("x", "x") == "x")
    let (old, new) = (UpdateSequence(number: 5, epoch: 1), UpdateSequence(number: 9, epoch: 2))
    #expect(UpdateSequence.earlier(old, new) == nil)
    #expect(UpdateSequence.earlier(old, UpdateSequence(number: 9, epoch: 1)) == old)
    #expect(new.distance(from: .start) == 9)
    #expect(new.distance(from: old) == nil)
  }

  @Test func `a part that fails is halved down to one and grows again`() {
    var size = PartSize(10)
    var canShrink: Bool
    canShrink = size.shrink(from: 10)
    #expect(canShrink)
    #expect(size.count == 5)
    canShrink = size.shrink(from: 5)
    #expect(canShrink)
    canShrink = size.shrink(from: 2)
    #expect(canShrink)
    #expect(size.count == 1)
    canShrink = size.shrink(from: 1)
    #expect(!canShrink)
    size.grow()
    #expect(size.count == 2)
    for _ in 0..<9 { size.grow() }
    #expect(size.count == 10)
  }

  @Test func `the estimate of sizes follows what is read and stays within its bounds`() {
    var estimate = SizeEstimate()
    for _ in 0..<40 { estimate.observe(documents: 100, bytes: 30_000) }
    #expect(abs(estimate.mean - 300) < 1)
    #expect((449_000...451_000).contains(estimate.reservation(for: 1_000, atMost: 4_000_000)))
    #expect(estimate.reservation(for: 1, atMost: 4_000_000) == ReplicationTuning.leastReservation)
    #expect(estimate.reservation(for: 1_000_000, atMost: 4_000_000) == 4_000_000)
    #expect(estimate.reservation(for: 10, atMost: 5) == 5)
  }

  @Test func `session ids have 32 digits`() {
    var environment = VirtualTime().environment
    #expect(environment.sessionID().count == 32)
    environment.random = { 0 }
    #expect(environment.sessionID() == String(repeating: "0", count: 32))
  }
}

struct WaitingTests {
  @Test func `a queue takes no more than fits until something is taken`() async throws {
    let queue = BoundedQueue<Int>(capacity: 10)
    try await queue.put(1, weight: 6)
    try await queue.put(2, weight: 4)
    let third = Task { try await queue.put(3, weight: 20) }
    #expect(try await queue.take { taken, _ in taken.count < 2 } == [1, 2])
    try await third.value
    queue.finish()
    #expect(try await queue.take() == [3])
    #expect(try await queue.take() == nil)
  }

  @Test(arguments: [(0, 10_000), (25, 10_000), (50, 20_000), (100, 40_000), (60_000, 40_000)])
  func `the longer an answer takes, the more changes are read by one request`(milliseconds: Int, count: Int) {
    #expect(ReplicationTuning.mostChangesPerRead(latency: .milliseconds(milliseconds)) == count)
  }

  @Test func `a budget is never overdrawn by those who wait for it`() async throws {
    let budget = ByteBudget(total: 100)
    let most = Monitor(0)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for size in [60, 60, 30, 10, 100, 500, 20] {
        group.addTask {
          try await budget.acquire(size)
          let held = budget.held
          most.update { $0 = max($0, size > 100 ? 0 : held) }
          await Task.yield()
          budget.release(size)
        }
      }
      try await group.waitForAll()
    }
    #expect(most.state <= 100)
    #expect(budget.held == 0)
  }

  @Test func `who waits for much of a budget is served before those who come later`() async throws {
    let budget = ByteBudget(total: 100)
    try await budget.acquire(60)
    let large = Task { try await budget.acquire(90) }
    try await eventually { budget.waiting >= 1 }
    let small = Task { try await budget.acquire(10) }
    try await eventually { budget.waiting >= 2 }
    #expect(budget.held == 60)
    budget.release(60)
    try await large.value
    try await small.value
    #expect(budget.held == 100)
  }

  @Test func `what was set aside in vain is for those who wait`() async throws {
    let budget = ByteBudget(total: 100)
    try await budget.acquire(60)
    let next = Task { try await budget.acquire(90) }
    try await eventually { budget.waiting >= 1 }
    budget.charge(-50)
    try await next.value
    #expect(budget.held == 100)
  }

  @Test func `who waits for a budget and gives up is in nobody's way`() async throws {
    let budget = ByteBudget(total: 100)
    try await budget.acquire(60)
    let large = Task { try await budget.acquire(90) }
    try await eventually { budget.waiting >= 1 }
    large.cancel()
    #expect(await pouchError { try await large.value }?.code == .cancelled)
    try await budget.acquire(40)
    #expect(budget.held == 100)
  }

  @Test func `whoever waits is released by cancellation`() async throws {
    let queue = BoundedQueue<Int>(capacity: 1)
    let waiting = Task { try await queue.take() }
    waiting.cancel()
    let error = await pouchError { _ = try await waiting.value }
    #expect(error?.code == .cancelled)
  }
}
