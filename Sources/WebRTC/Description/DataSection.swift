/// A section of data channels: SCTP over DTLS over ICE (RFC 8841, RFC 8842, RFC 8839).
public struct DataSection: Hashable, Sendable {
  /// What carries SCTP (RFC 8841, section 4.2). An answer must use the one of the offer.
  public enum Transport: String, Hashable, Sendable {
    /// DTLS over UDP, what everybody uses.
    case udp = "UDP/DTLS/SCTP"
    /// DTLS over TCP. With ICE, it does not restrict the candidates.
    case tcp = "TCP/DTLS/SCTP"
    /// The form of drafts before RFC 8841, with the SCTP port as the format and `a=sctpmap`.
    case legacy = "DTLS/SCTP"
  }

  /// The section's identification (RFC 5888, section 4). A section that is read without one gets its index.
  public var mid: String
  /// What carries SCTP.
  public var transport: Transport
  /// The sender's ICE user fragment: 4 to 256 letters, digits, `+` and `/` (RFC 8839, section 5.4).
  public var iceUfrag: String
  /// The sender's ICE password: 22 to 256 of the same characters.
  public var icePwd: String
  /// The ICE options that the sender knows, such as `trickle` and `renomination` (RFC 8839, section 5.6).
  /// What is no token is skipped when they are read, and commas separate them as well: libdatachannel writes them.
  public var iceOptions: [String]
  /// The hashes of the sender's certificate, at least one. Algorithms that are not known are skipped when read.
  ///
  /// A certificate is the sender's if it matches one of those of the strongest algorithm (RFC 8122, section 5).
  public var fingerprints: [Fingerprint]
  /// Who begins the DTLS handshake.
  public var setup: SetupRole
  /// The sender's SCTP port, `a=sctp-port` (RFC 8841, section 5); 5000 if it was not said.
  public var sctpPort: UInt16
  /// The largest message that the sender takes, in bytes: `a=max-message-size` as it stands (RFC 8841, section 6).
  ///
  /// 0 means any size, and `nil`, that it was not said; see ``messageLimit``.
  public var maxMessageSize: UInt64?
  /// The candidates that came with the description, in order; their `sdpMid` and `sdpMLineIndex` are `nil`.
  public var candidates: [IceCandidate]
  /// Whether no more candidates will come: `a=end-of-candidates` (RFC 8838, RFC 8840).
  public var isComplete: Bool
  /// Whether the section is refused, or no longer used: port 0.
  ///
  /// Of a rejected section only what ``rejected(mid:transport:sctpPort:)`` takes is read and written.
  public var isRejected: Bool

  /// Makes a section of its parts. They are not checked.
  public init(
    mid: String, transport: Transport = .udp, iceUfrag: String, icePwd: String, iceOptions: [String] = ["trickle"],
    fingerprints: [Fingerprint], setup: SetupRole, sctpPort: UInt16 = 5000, maxMessageSize: UInt64? = nil,
    candidates: [IceCandidate] = [], isComplete: Bool = false, isRejected: Bool = false
  ) {
    self.mid = mid
    self.transport = transport
    self.iceUfrag = iceUfrag
    self.icePwd = icePwd
    self.iceOptions = iceOptions
    self.fingerprints = fingerprints
    self.setup = setup
    self.sctpPort = sctpPort
    self.maxMessageSize = maxMessageSize
    self.candidates = candidates
    self.isComplete = isComplete
    self.isRejected = isRejected
  }

  /// Makes a rejected section: no credentials, no fingerprints, no candidates.
  /// - Parameters:
  ///   - mid: The section's identification.
  ///   - transport: What would have carried SCTP.
  ///   - sctpPort: The port, which the transport `legacy` cannot do without; others do not write it.
  public static func rejected(mid: String, transport: Transport = .udp, sctpPort: UInt16 = 5000) -> DataSection {
    DataSection(
      mid: mid, transport: transport, iceUfrag: "", icePwd: "", iceOptions: [], fingerprints: [], setup: .holdconn,
      sctpPort: sctpPort, isRejected: true)
  }

  /// The largest message that the sender takes, in bytes: 65536 if it did not say (RFC 8841, section 6.1), and
  /// `UInt64.max` if it takes any size.
  public var messageLimit: UInt64 {
    switch maxMessageSize {
    case nil: 65536
    case 0?: .max
    case let size?: size
    }
  }

  /// Whether the sender takes candidates after the description (RFC 8838).
  public var trickles: Bool { iceOptions.contains("trickle") }
}
