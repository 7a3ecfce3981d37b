import DequeModule
import PouchCore

/// The protocol between two peers as a value: what came goes in, what shall be sent comes out. It does no I/O, and time
/// is given to it.
///
/// ```swift
/// var tunnel = TunnelMachine(.opener, hello: proof, verify: isRight, limits: limits, at: now)
/// let stream = try tunnel.request(RequestHead(share: 0, request), body: .complete([]), at: now)
/// while let outgoing = tunnel.nextMessage(at: now) { send(outgoing.bytes) }
/// for event in try tunnel.receive(message, at: now) { … }
/// let events = tunnel.tick(at: now)
/// ```
///
/// It is symmetric: both sides may request and answer, on streams of their own numbers. Control frames go before heads,
/// those before the credit of streams and bodies, and bodies take turns frame by frame.
///
/// What it holds is bounded: unread bytes by the credit that it gave, heads and openings by ``TunnelLimits``, and what
/// is to be sent by its user, who waits until a stream is writable.
struct TunnelMachine: Sendable {
  enum Phase: Sendable, Hashable {
    /// The peer's hello is awaited; nothing but this side's own is sent.
    case opening
    case open
    /// The goodbye waits to be sent, after which nothing is.
    case leaving(GoodbyeReason, String)
    case ended
  }

  /// Which side of the signalling this is. It decides who uses which numbers, and whose the first share is.
  enum Role: Sendable, Hashable {
    case opener
    case sharer
  }

  let role: Role
  let limits: TunnelLimits
  var phase = Phase.opening
  let started: ContinuousClock.Instant

  // Hello
  var pendingHello: Hello?
  let verify: @Sendable ([UInt8]) -> Bool
  /// What the peer has said; until then nothing may be sent that depends on it.
  var peer: Hello?

  // Streams
  var streams: [StreamNumber: TunnelStream] = [:]
  /// Streams that are no more, for those who keep something about them.
  private(set) var gone: [StreamNumber] = []
  /// The number of the next stream of this side, beyond 32 bits when they are used up.
  var nextNumber: UInt64
  /// The highest of them that was sent.
  var highestSent: StreamNumber = 0
  /// The highest number of the peer's streams.
  var highestReceived: StreamNumber = 0
  /// How many streams of each side are on the wire.
  var ownLive = 0
  var peerLive = 0
  /// Requests that wait for their turn.
  var requests = Deque<StreamNumber>()
  /// Responses whose head waits.
  var responses = Deque<StreamNumber>()
  /// Streams that may have something of a body to send.
  var ring = Deque<StreamNumber>()

  // Shares
  var shares: ShareTable

  // Control
  var control = Deque<ControlFrame>()
  var pong: [UInt8]?
  var cancels = Deque<Cancel>()
  var pacedCancels = Deque<Cancel>()
  /// Openings of this side that wait for their turn.
  var pacedOpenings = Deque<ControlFrame>()
  var sentCancels: RateLimit
  var receivedCancels: RateLimit
  var sentOpenings: RateLimit
  var receivedOpenings: RateLimit
  var dueCredits = Deque<StreamNumber>()
  var isConnectionCreditDue = false
  var sendingWindow = SendingWindow(0)
  var receivingWindow: ReceivingWindow
  /// How wide the widest window of a stream became.
  var widestStream = 0

  // Time
  var roundTrip: Duration?
  var ping = PingState()
  var lastReceived: ContinuousClock.Instant
  /// When the last message was taken from here, while it is not known to be on its way.
  var outstanding: ContinuousClock.Instant?

  /// A frame that goes before all others, in order.
  struct ControlFrame: Sendable {
    let kind: FrameKind
    var flags: FrameFlags = []
    let id: UInt32
    let payload: [UInt8]
  }

  struct Cancel: Sendable {
    let number: StreamNumber
    let reason: CancelReason
    let text: String
  }

  struct PingState: Sendable {
    var next: UInt64 = 1
    var isDue = false
    var lastSent: ContinuousClock.Instant?
    /// The one that is not answered yet.
    var awaited: (number: UInt64, sent: ContinuousClock.Instant)?
    var receivedSince = 0
  }

  /// - Parameters:
  ///   - hello: the proof for this side's hello, at most ``TunnelLimits/proof`` bytes.
  ///   - verify: whether the proof in the peer's hello is right.
  init(
    _ role: Role, hello: [UInt8], verify: @escaping @Sendable ([UInt8]) -> Bool, limits: TunnelLimits = TunnelLimits(),
    at now: ContinuousClock.Instant
  ) {
    self.role = role
    self.limits = limits
    self.verify = verify
    started = now
    lastReceived = now
    pendingHello = Hello(limits, proof: hello)
    nextNumber = role == .opener ? 1 : 2
    shares = ShareTable(role)
    sentCancels = RateLimit(limits.cancelsSentPerSecond)
    receivedCancels = RateLimit(limits.cancelsPerSecond)
    sentOpenings = RateLimit(limits.openingsSentPerSecond)
    receivedOpenings = RateLimit(limits.openingsPerSecond)
    receivingWindow = ReceivingWindow(limits.connectionCredit, upTo: limits.longestConnectionCredit, at: now)
  }

  /// Whether the session is over or about to be.
  var isEnding: Bool {
    switch phase {
    case .leaving, .ended: true
    case .opening, .open: false
    }
  }

  /// Whether ``nextMessage(at:)`` may have something; never `false` if it has.
  var hasOutput: Bool {
    switch phase {
    case .leaving, .ended: true
    case .opening: pendingHello != nil
    case .open:
      pong != nil || ping.isDue || !control.isEmpty || !cancels.isEmpty || !pacedCancels.isEmpty
        || !pacedOpenings.isEmpty || isConnectionCreditDue || !dueCredits.isEmpty || !responses.isEmpty || !ring.isEmpty
        || (!requests.isEmpty && ownLive < peer?.streams ?? 0)
    }
  }

  /// Forgets a stream.
  mutating func forget(_ number: StreamNumber) -> TunnelStream? {
    guard let stream = streams.removeValue(forKey: number) else { return nil }
    gone.append(number)
    return stream
  }

  /// The streams that are no more since this was last asked.
  mutating func takeGone() -> [StreamNumber] {
    guard !gone.isEmpty else { return [] }
    defer { gone.removeAll(keepingCapacity: true) }
    return gone
  }

  /// Whether a number is one of this side's streams.
  func isOwn(_ number: StreamNumber) -> Bool { (number & 1 == 1) == (role == .opener) }

  /// Says goodbye; nothing else is sent or taken any more.
  mutating func leave(_ reason: GoodbyeReason, _ text: String = "") {
    guard !isEnding else { return }
    phase = .leaving(reason, text)
  }
}
