/// A session description (RFC 8866) as JSEP uses it (RFC 8829): what two peers exchange to connect.
///
/// It is a value of what data channels need. Sections of other kinds are known only as far as they must be to reject
/// them in their place; what else a description says is skipped. A description that is read and written again is
/// therefore a new one to the same end, not the same text.
///
/// ```swift
/// let offer = try SessionDescription(.offer, sdp: text)
/// guard let theirs = offer.dataSection else { … }  // nothing for us in it
/// let answer = SessionDescription(answering: offer, sessionID: id, with: ours)
/// send(answer.sdp)
/// ```
public struct SessionDescription: Hashable, Sendable, CustomStringConvertible {
  /// Whether it offers or answers.
  public var type: SDPType
  /// The number of the session, from `o=`; the sender's choice, below 2⁶³ by RFC 8829, section 5.2.1.
  public var sessionID: UInt64
  /// The number of the description within the session, from `o=`; it grows by 1 with each that differs from the last.
  public var sessionVersion: UInt64
  /// The sections in order. An answer has as many as its offer, in the same order.
  public var sections: [MediaSection]
  /// Whether the data section is in a BUNDLE group (RFC 8843), or if there is none, whether there is such a group.
  ///
  /// Everybody bundles; an answer may do so only if its offer does.
  public var isBundled: Bool

  /// Makes a description of its parts. They are not checked.
  public init(
    type: SDPType, sessionID: UInt64, sessionVersion: UInt64, sections: [MediaSection], isBundled: Bool = true
  ) {
    self.type = type
    self.sessionID = sessionID
    self.sessionVersion = sessionVersion
    self.sections = sections
    self.isBundled = isBundled
  }

  /// The first section of data channels that is not rejected.
  public var dataSection: DataSection? {
    for case .data(let section) in sections where !section.isRejected { return section }
    return nil
  }

  /// ``sdp``.
  public var description: String { sdp }
}
