/// The bounds of one connection between two peers, each with its reason. What a peer sends beyond one of them ends the
/// session, a stream, or is put off, as is said with each.
///
/// They are values so that tests can make them small. The bounds of requests to a shared database are ``AccessLimits``.
public struct TunnelLimits: Sendable, Hashable {
  // MARK: Sizes

  /// The longest frame in bytes, header included. Streams take turns frame by frame, so that this is how long a small
  /// answer waits behind a large one. Part of the protocol.
  public static let frame = 16 * 1024
  /// The longest message of the channel in bytes that is sent and taken: several frames go into one, as every message
  /// costs the layers below some microseconds. 64 KiB are what all implementations of WebRTC carry. A peer that sends a
  /// longer one ends the session.
  public var message = 64 * 1024
  /// The longest head of a request or a response in bytes, in as many frames as it takes.
  public var head = 32 * 1024
  /// The most headers of a request or a response.
  public var headers = 64
  /// The longest path of a request in bytes, percent-encoded, without its query. Longer ones end the session.
  public var path = 4 * 1024
  /// The longest reason in bytes that is taken from a peer: enough for a sentence in a log.
  public static let reason = 256
  /// The longest proof of a hello or an opening in bytes: an HMAC with SHA-256 has 32.
  public static let proof = 64
  /// The longest id of a share, and of a ticket, in bytes: `share-` and a UUID have 42, a ticket's id 16.
  public static let shareID = 128

  // MARK: Counts

  /// How many streams a peer may have open at a time. It is told in the hello; one more ends the session.
  public var streams = 256
  /// How many requests of a peer are worked on at a time, those included that the peer has cancelled and that have not
  /// noticed yet. One more is refused.
  public var requests = 512
  /// How many streams of its own a peer may cancel within a second: opening and cancelling costs it less than it costs
  /// the one who works. One more ends the session.
  public var cancelsPerSecond = 100
  /// How many cancels are sent within a second; more wait. Below the bound for what is received, as a network may
  /// deliver those of two seconds within one.
  public var cancelsSentPerSecond = 40
  /// How many shares a peer may have open at a time, the first one not counted. One more is refused.
  public var shares = 64
  /// How many shares a peer may ask to open within a second. One more ends the session.
  public var openingsPerSecond = 20
  /// How many shares are asked for within a second; more wait. Below the bound for what is received, as a network may
  /// deliver those of two seconds within one.
  public var openingsSentPerSecond = 8

  // MARK: Credit

  /// How many bytes of a body a peer may send at first before it was read. Small, since most bodies are, and since it
  /// is owed to every stream.
  public var streamCredit = 256 * 1024
  /// The same for all of a connection.
  public var connectionCredit = 1024 * 1024
  /// How far the credit of a stream grows while its reader keeps up: bandwidth times round-trip time of 40 MB/s at
  /// 100 ms.
  public var longestStreamCredit = 4 * 1024 * 1024
  /// How many bytes of an answer a peer may send at first at most, where others have come to need more than ``streamCredit``.
  /// A reader that takes longer than ``stall`` for half of that is given up by the peer: 18 KB/s suffice.
  public var firstStreamCredit = 2 * 1024 * 1024
  /// How far the credit of a connection grows; what a peer can make this side hold in memory.
  public var longestConnectionCredit = 16 * 1024 * 1024
  /// How many bytes of a stream are taken from their maker before they are on their way.
  public var unsentStream = 64 * 1024

  // MARK: Times

  /// How long a peer has for its hello.
  public var hello = Duration.seconds(10)
  /// How long a body may rest: its sender has credit and sends nothing, or its reader gives no credit. The stream ends.
  public var stall = Duration.seconds(60)
  /// How long the head of a response may take after the request was sent, or any of its body.
  public var answer = Duration.seconds(120)
  /// How long nothing may come at all, no answer to a ping either, before the session ends.
  public var silence = Duration.seconds(120)
  /// How long nothing came before a ping is sent; several of them fit into ``silence``.
  public var ping = Duration.seconds(20)
  /// How long after a ping another one measures a busy connection.
  public var busyPing = Duration.seconds(1)
  /// How often the clock is looked at; what the times above are rounded up to.
  public var tick = Duration.seconds(1)

  /// The usual bounds.
  public init() {}
}
