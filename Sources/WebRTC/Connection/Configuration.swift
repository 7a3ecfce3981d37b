extension PeerConnection {
  /// How a connection is made, and its limits.
  public struct Configuration: Sendable {
    /// STUN and TURN servers. The first STUN server is asked; relays are allocated from all TURN servers, 8 at most.
    public var iceServers: [IceServer] = []

    /// Whether only relayed candidates are used, so that the peer does not learn this machine's addresses.
    public var isRelayOnly = false

    /// Which of the machine's addresses take part.
    public var addresses: AddressSelection = .automatic

    /// The ports that sockets are bound to; any free one if `nil`.
    public var portRange: ClosedRange<UInt16>?

    /// This side's certificate; a fresh one is made if `nil`.
    public var certificate: Certificate?

    /// The largest UDP payload that is sent, in bytes: 576 to 16,384.
    ///
    /// 1,200 passes everywhere, and is what browsers send. Larger ones save work for each byte, between peers whose path
    /// carries them; this is not found out by itself. What comes in may have any size.
    public var packetSize = 1200

    /// The largest message that is taken from the peer, in bytes. It is announced to the peer. At most 64 MiB.
    public var maxMessageSize = 256 * 1024

    /// How many bytes may be on their way, each way: a path's rate times its round-trip time, and memory of that size while
    /// it is in use. At least 64 KiB; 8 MiB are 500 Mbit/s at 100 ms with room to spare.
    public var window = 8 * 1024 * 1024

    /// How long nothing may be heard of a peer before the connection counts as lost. At least 1 s.
    ///
    /// When half of it has passed, the state becomes ``PeerConnection/ConnectionState/disconnected``.
    public var peerTimeout: Duration = .seconds(15)

    /// How long a connection may take from the time that both descriptions are set.
    public var connectTimeout: Duration = .seconds(30)

    /// How fast the sender goes: see ``CongestionControl``.
    public var congestionControl = CongestionControl.highSpeed

    /// How many streams there are at most, each way. Fewer than the tuning has are for tests.
    var streams = SctpTuning.streams

    public init() {}
  }

  /// How a sender finds the rate that a path carries.
  public enum CongestionControl: UInt32, Hashable, Sendable {
    /// RFC 9260, section 7: one packet more each round trip. Slow on long paths after a loss.
    case standard = 0
    /// HighSpeed TCP (RFC 3649): like ``standard`` while few packets are on their way; with many it gives up less after a loss.
    case highSpeed = 1
    /// H-TCP (draft-leith-tcp-htcp): the longer since the last loss, the faster it should grow.
    ///
    /// As usrsctp has it, up to its release 0.9.5 at least, it grows no faster than ``standard``, and on paths of less than
    /// about 80 ms not at all after the first loss: its scale becomes zero. It is here to be compared.
    case hTCP = 2
  }
}

extension PeerConnection.Configuration {
  func validate() throws(RTCError) {
    guard (576...16_384).contains(packetSize) else { throw .invalid("The packet size must be 576 to 16,384 bytes.") }
    guard (1...64 * 1024 * 1024).contains(maxMessageSize) else {
      throw .invalid("The largest message must be 1 byte to 64 MiB.")
    }
    guard (64 * 1024...1024 * 1024 * 1024).contains(window) else {
      throw .invalid("The window must be 64 KiB to 1 GiB.")
    }
    guard peerTimeout >= .seconds(1) else { throw .invalid("The peer's time-out must be a second or more.") }
    if case .addresses(let addresses) = addresses {
      for address in addresses where ![.ipv4, .ipv6].contains(SDPText(address).addressForm) {
        throw .invalid("This is not an address: \(address)")
      }
    }
    if let portRange, portRange.lowerBound == 0 { throw .invalid("Port 0 is none.") }
    if isRelayOnly, !iceServers.contains(where: { if case .turn = $0.kind { true } else { false } }) {
      throw .invalid("Without a TURN server there are no relayed candidates.")
    }
  }
}
