/// A place where a peer may be reached: `a=candidate` (RFC 8839, section 5.1; RFC 8445, section 4).
public struct IceCandidate: Hashable, Sendable, CustomStringConvertible {
  /// The transport protocol of a candidate.
  public enum Transport: Hashable, Sendable {
    case udp
    /// TCP (RFC 6544).
    case tcp
    /// Another one, as it was written.
    case other(String)
  }

  /// How a candidate was found. The raw values are those of `typ`.
  public enum Kind: String, Hashable, Sendable {
    /// An address of an interface of the peer's machine.
    case host
    /// The peer's address as a STUN server saw it.
    case serverReflexive = "srflx"
    /// The peer's address as its counterpart saw it.
    case peerReflexive = "prflx"
    /// An address of a TURN server.
    case relayed = "relay"
  }

  /// Which end of a TCP candidate opens the connection (RFC 6544, section 4.5).
  public enum TCPType: String, Hashable, Sendable {
    case active
    case passive
    case simultaneousOpen = "so"
  }

  /// An additional property, such as `generation 0`, `ufrag 4ZcD` or `network-id 1`.
  public struct Extension: Hashable, Sendable {
    public var name: String
    public var value: String

    public init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  /// What stands in place of an address.
  public enum AddressForm: Hashable, Sendable {
    case ipv4
    case ipv6
    /// A name to be looked up, by DNS or, if ``IceCandidate/isMDNS``, by multicast.
    case name
  }

  /// The same for candidates of one kind, base and server: 1 to 32 letters, digits, `+` and `/`.
  public var foundation: String
  /// The component of the stream, 1 to 256. Data channels have one, which is 1.
  public var component: Int
  /// The transport protocol.
  public var transport: Transport
  /// The higher, the sooner it is tried.
  public var priority: UInt32
  /// An IPv4 or IPv6 address without brackets or zone, or a name.
  public var address: String
  /// The port; 9 if `tcpType` is active, as there is none.
  public var port: UInt16
  /// How it was found.
  public var kind: Kind
  /// The address it derives from, `raddr`; browsers hide it as `0.0.0.0` or `::`.
  public var relatedAddress: String?
  /// The port it derives from, `rport`.
  public var relatedPort: UInt16?
  /// For TCP, which end opens the connection.
  public var tcpType: TCPType?
  /// The remaining properties in order.
  public var extensions: [Extension]
  /// The section that the candidate belongs to, by its identification; `nil` if not told.
  public var sdpMid: String?
  /// The section that the candidate belongs to, by its index from 0; `nil` if not told.
  public var sdpMLineIndex: Int?

  /// Makes a candidate of its parts. They are not checked.
  public init(
    foundation: String, component: Int = 1, transport: Transport = .udp, priority: UInt32, address: String,
    port: UInt16, kind: Kind, relatedAddress: String? = nil, relatedPort: UInt16? = nil, tcpType: TCPType? = nil,
    extensions: [Extension] = [], sdpMid: String? = nil, sdpMLineIndex: Int? = nil
  ) {
    self.foundation = foundation
    self.component = component
    self.transport = transport
    self.priority = priority
    self.address = address
    self.port = port
    self.kind = kind
    self.relatedAddress = relatedAddress
    self.relatedPort = relatedPort
    self.tcpType = tcpType
    self.extensions = extensions
    self.sdpMid = sdpMid
    self.sdpMLineIndex = sdpMLineIndex
  }

  /// Whether the address is a name that is looked up by multicast: it ends in `.local` (RFC 6762, section 3).
  ///
  /// Browsers write their hosts so, to hide their addresses from pages.
  public var isMDNS: Bool { SDPText(address).isMDNSName }

  /// What the address is, or `nil` if it is none.
  public var addressForm: AddressForm? { SDPText(address).addressForm }

  /// The ICE user fragment that the candidate belongs to, if it says so (RFC 8840): the extension `ufrag`.
  public var usernameFragment: String? { extensions.first { $0.name == "ufrag" }?.value }

  /// The candidate as browsers' `RTCIceCandidate.candidate` has it: `candidate:` and the value of the attribute.
  public var candidate: String {
    var text = "candidate:\(foundation) \(component) \(transport) \(priority) \(address) \(port) typ \(kind.rawValue)"
    if let relatedAddress { text += " raddr \(relatedAddress)" }
    if let relatedPort { text += " rport \(relatedPort)" }
    if let tcpType { text += " tcptype \(tcpType.rawValue)" }
    for property in extensions { text += " \(property.name) \(property.value)" }
    return text
  }

  /// ``candidate``.
  public var description: String { candidate }
}

extension IceCandidate.Transport: CustomStringConvertible {
  /// The name as candidates have it.
  public var description: String {
    switch self {
    case .udp: "udp"
    case .tcp: "tcp"
    case .other(let name): name
    }
  }
}
