/// One `m=` section of a description.
public enum MediaSection: Hashable, Sendable {
  /// Data channels.
  case data(DataSection)
  /// Anything else: audio, video, other applications. It is known only to be rejected in its place.
  case other(OtherSection)

  /// The section's identification, if it has one (RFC 5888, section 4).
  public var mid: String? {
    switch self {
    case .data(let section): section.mid
    case .other(let section): section.mid
    }
  }

  /// Whether the section is refused, or no longer used: its port is 0 (RFC 3264, section 6).
  public var isRejected: Bool {
    switch self {
    case .data(let section): section.isRejected
    case .other(let section): section.isRejected
    }
  }

  /// The section as an answerer returns it that does not want it.
  public var rejected: MediaSection {
    switch self {
    case .data(let section):
      .data(
        .rejected(
          mid: section.mid, transport: section.transport,
          sctpPort: section.transport == .legacy ? section.sctpPort : 5000))
    case .other(let section): .other(section.rejected)
    }
  }
}

/// A section that is not of data channels: what must be repeated of it when it is rejected (RFC 3264, section 6).
public struct OtherSection: Hashable, Sendable {
  /// The kind of media: `audio`, `video`, `application`, …
  public var media: String
  /// The port; 0 for a section that is rejected, or for one that is only there to be bundled with others.
  public var port: UInt16
  /// The transport, such as `UDP/TLS/RTP/SAVPF`.
  public var transport: String
  /// The formats; for RTP the payload types. At least one.
  public var formats: [String]
  /// The section's identification, if it has one.
  public var mid: String?

  /// Makes a section of its parts. They are not checked.
  public init(media: String, port: UInt16, transport: String, formats: [String], mid: String? = nil) {
    self.media = media
    self.port = port
    self.transport = transport
    self.formats = formats
    self.mid = mid
  }

  /// Whether the port is 0.
  public var isRejected: Bool { port == 0 }

  /// The section with port 0.
  public var rejected: OtherSection {
    var section = self
    section.port = 0
    return section
  }
}
