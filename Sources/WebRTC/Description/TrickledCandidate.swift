/// What a peer tells of its candidates after its description (RFC 8838): one of them, or that there are no more.
///
/// Browsers tell the end by an `RTCIceCandidate` whose `candidate` is empty; the `Codable` form is theirs.
public enum TrickledCandidate: Hashable, Sendable {
  /// A candidate.
  case candidate(IceCandidate)
  /// No more candidates will come for a section, or if none is told, for any of them.
  case end(sdpMid: String?, sdpMLineIndex: Int?)

  /// Reads the `candidate` of a browser's `RTCIceCandidate`, and the section it is told for.
  /// - Throws: ``SDPError`` if it is neither a candidate nor empty.
  public init(_ candidate: String, sdpMid: String? = nil, sdpMLineIndex: Int? = nil) throws(SDPError) {
    guard !candidate.isEmpty else {
      self = .end(sdpMid: sdpMid, sdpMLineIndex: sdpMLineIndex)
      return
    }
    var read = try IceCandidate(candidate)
    read.sdpMid = sdpMid
    read.sdpMLineIndex = sdpMLineIndex
    self = .candidate(read)
  }
}
