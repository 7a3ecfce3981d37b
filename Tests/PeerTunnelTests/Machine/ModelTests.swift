import CouchAPI
import HTTPTypes
import PouchCore
import TestSupport
import Testing

@testable import PeerTunnel

/// Two machines that send each other bodies in random pieces, with messages that are late and readers that are slow.
/// Whatever the order, each body arrives as it was sent, and nothing is left over.
struct ModelTests {
  @Test(arguments: 0..<40)
  func `whatever the order of events, bodies arrive as they were sent`(seed: UInt64) throws {
    var model = try Model(seed: seed)
    var steps = 0
    while try !model.isDone {
      try model.step()
      steps += 1
      try #require(steps < 30_000, "seed \(seed) does not come to an end")
    }
    for transfer in model.transfers {
      if transfer.isCancelled {
        #expect(transfer.body.starts(with: transfer.received), "seed \(seed)")
      } else {
        #expect(transfer.received == transfer.body, "seed \(seed)")
      }
    }
    #expect(model.sides.allSatisfy { $0.machine.ownLive == 0 && $0.machine.peerLive == 0 }, "seed \(seed)")
    #expect(model.sides.allSatisfy { $0.machine.receivingWindow.unread == 0 }, "seed \(seed)")
    #expect(model.sides.allSatisfy { $0.machine.streams.isEmpty }, "seed \(seed)")
  }
}

/// One body on its way, in a request or in a response.
private struct Transfer {
  let number: StreamNumber
  /// Which side sends it.
  let from: Int
  let body: [UInt8]
  var written = 0
  var isFinished = false
  var received: [UInt8] = []
  var hasEnded = false
  var isCancelled = false
}

private struct Model {
  struct Side {
    var machine: TunnelMachine
    var inbound: [[UInt8]] = []
  }

  var sides: [Side]
  var transfers: [Transfer] = []
  private var random: SeededGenerator
  private var now = ContinuousClock.now
  private var toStart: Int
  /// Responses that are to be begun.
  private var unanswered: [(side: Int, number: StreamNumber)] = []

  init(seed: UInt64) throws {
    random = SeededGenerator(seed: seed)
    var limits = TunnelLimits()
    // Small bounds are met often.
    limits.streams = .random(in: 1...8, using: &random)
    limits.streamCredit = .random(in: 1...50_000, using: &random)
    limits.longestStreamCredit = max(limits.streamCredit, 200_000)
    limits.connectionCredit = .random(in: 1...80_000, using: &random)
    limits.longestConnectionCredit = max(limits.connectionCredit, 400_000)
    limits.message = .random(in: TunnelLimits.frame...100_000, using: &random)
    toStart = .random(in: 5...40, using: &random)
    var opener = TunnelMachine(.opener, hello: [], verify: { _ in true }, limits: limits, at: now)
    var sharer = TunnelMachine(.sharer, hello: [], verify: { _ in true }, limits: limits, at: now)
    // The sharer may use a share of the opener too.
    let share = try present(sharer.open(ShareOpening(share: "s")))
    for _ in 0..<3 {
      while let message = opener.nextMessage(at: now) { _ = try sharer.receive(message.bytes, at: now) }
      while let message = sharer.nextMessage(at: now) {
        for case .opening in try opener.receive(message.bytes, at: now) { opener.answer(opening: share, refusal: nil) }
      }
    }
    try #require(sharer.shares.own[share] == .open)
    sides = [Side(machine: opener), Side(machine: sharer)]
  }

  var isDone: Bool {
    get throws {
      toStart == 0 && unanswered.isEmpty
        && transfers.allSatisfy { ($0.isFinished && $0.hasEnded) || $0.isCancelled }
        && sides.allSatisfy { $0.inbound.isEmpty && $0.machine.streams.isEmpty }
    }
  }

  mutating func step() throws {
    now += .milliseconds(.random(in: 0...40, using: &random))
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<8: try start()
    case 8..<16: try answer()
    case 16..<36: write()
    case 36..<56: read()
    case 56..<57: cancel()
    case 57..<78: send(.random(in: 0...1, using: &random))
    default: try deliver(.random(in: 0...1, using: &random))
    }
  }

  private mutating func makeTransfer(_ number: StreamNumber, from side: Int) -> OutgoingBytes {
    let body = random.bytes([0, 1, 100, 5000, 60_000].randomElement(using: &random)!)
    var transfer = Transfer(number: number, from: side, body: body)
    guard Bool.random(using: &random) else {
      transfers.append(transfer)
      return .following
    }
    transfer.written = body.count
    transfer.isFinished = true
    transfers.append(transfer)
    return .complete(body)
  }

  private mutating func start() throws {
    guard toStart > 0 else { return }
    toStart -= 1
    let side = Int.random(in: 0...1, using: &random)
    let next = StreamNumber(sides[side].machine.nextNumber)
    let bytes = makeTransfer(next, from: side)
    var head = RequestHead(share: side == 0 ? 0 : 1, Request(.post, ["s", "\(next)"]))
    head.length = Bool.random(using: &random) ? Int64(transfers[transfers.count - 1].body.count) : nil
    let number = try sides[side].machine.request(head, body: bytes, at: now)
    #expect(number == next)
  }

  private mutating func answer() throws {
    guard let index = unanswered.indices.randomElement(using: &random) else { return }
    let (side, number) = unanswered.remove(at: index)
    let bytes = makeTransfer(number, from: side)
    var head = ResponseHead(Response(.ok))
    head.length = Bool.random(using: &random) ? Int64(transfers[transfers.count - 1].body.count) : nil
    // It may have been cancelled meanwhile.
    guard try sides[side].machine.respond(to: number, head, body: bytes, at: now) else {
      return transfers[transfers.count - 1].isCancelled = true
    }
  }

  private mutating func write() {
    let open = transfers.indices.filter { !transfers[$0].isFinished && !transfers[$0].isCancelled }
    guard let index = open.randomElement(using: &random) else { return }
    let transfer = transfers[index]
    let rest = transfer.body.count - transfer.written
    let piece = transfer.body[transfer.written..<transfer.written + .random(in: 0...rest, using: &random)]
    guard sides[transfer.from].machine.write(Array(piece), to: transfer.number, at: now) != nil else { return }
    transfers[index].written += piece.count
    if transfers[index].written == transfer.body.count {
      sides[transfer.from].machine.finish(transfer.number)
      transfers[index].isFinished = true
    }
  }

  private mutating func read() {
    // What came before a stream was cancelled at its other end is still there to be read.
    let open = transfers.indices.filter { !transfers[$0].hasEnded }
    guard let index = open.randomElement(using: &random) else { return }
    let reader = 1 - transfers[index].from
    let number = transfers[index].number
    guard let stream = sides[reader].machine.streams[number], stream.receiving != .head else { return }
    switch sides[reader].machine.read(number, at: now) {
    case .bytes(let bytes): transfers[index].received += bytes
    case .end: transfers[index].hasEnded = true
    case .nothing: break
    }
  }

  /// One of the two who have to do with a stream ends it.
  private mutating func cancel() {
    let open = transfers.filter { !$0.hasEnded && !$0.isCancelled }
    guard let transfer = open.randomElement(using: &random) else { return }
    let side = Int.random(in: 0...1, using: &random)
    guard sides[side].machine.streams[transfer.number] != nil else { return }
    sides[side].machine.cancel(transfer.number, .failed, at: now)
    markCancelled(transfer.number)
  }

  private mutating func markCancelled(_ number: StreamNumber) {
    for index in transfers.indices where transfers[index].number == number { transfers[index].isCancelled = true }
    unanswered.removeAll { $0.number == number }
  }

  private mutating func send(_ side: Int) {
    guard let message = sides[side].machine.nextMessage(at: now) else { return }
    sides[1 - side].inbound.append(message.bytes)
  }

  private mutating func deliver(_ side: Int) throws {
    guard !sides[side].inbound.isEmpty else { return }
    for event in try sides[side].machine.receive(sides[side].inbound.removeFirst(), at: now) {
      switch event {
      case .request(let number, let head):
        #expect(head.target == "/s/\(number)")
        unanswered.append((side, number))
      case .failed(let number, _): markCancelled(number)
      case .ended(let end): Issue.record("The session ended: \(end)")
      default: break
      }
    }
  }
}
