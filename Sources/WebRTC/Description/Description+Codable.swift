// The forms that browsers give to `JSON.stringify` and take as initialisers: `RTCSessionDescriptionInit` and
// `RTCIceCandidateInit`.

extension SessionDescription: Codable {
  private enum Key: String, CodingKey {
    case type
    case sdp
  }

  /// Reads `{"type": "offer" or "answer", "sdp": …}`.
  /// - Throws: `DecodingError`, with ``SDPError`` as its underlying error if the text is refused.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let type = try container.decode(SDPType.self, forKey: .type)
    let text = try container.decode(String.self, forKey: .sdp)
    do throws(SDPError) {
      try self.init(type, sdp: text)
    } catch {
      throw error.asDecodingError(at: container.codingPath + [Key.sdp])
    }
  }

  /// Writes `{"type": …, "sdp": …}`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(type, forKey: .type)
    try container.encode(sdp, forKey: .sdp)
  }
}

extension TrickledCandidate: Codable {
  private enum Key: String, CodingKey {
    case candidate
    case sdpMid
    case sdpMLineIndex
    case usernameFragment
  }

  /// Reads `{"candidate": …, "sdpMid": …, "sdpMLineIndex": …, "usernameFragment": …}`, of which all may be missing or null.
  ///
  /// A user fragment that stands here, but not in the candidate, is added to its extensions.
  /// - Throws: `DecodingError`, with ``SDPError`` as its underlying error if the candidate is refused.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let text = try container.decodeIfPresent(String.self, forKey: .candidate) ?? ""
    let mid = try container.decodeIfPresent(String.self, forKey: .sdpMid)
    let index = try container.decodeIfPresent(UInt16.self, forKey: .sdpMLineIndex)
    let fragment = try container.decodeIfPresent(String.self, forKey: .usernameFragment)
    do throws(SDPError) {
      try self.init(text, sdpMid: mid, sdpMLineIndex: index.map(Int.init))
    } catch {
      throw error.asDecodingError(at: container.codingPath + [Key.candidate])
    }
    guard case .candidate(var candidate) = self, let fragment, candidate.usernameFragment == nil else { return }
    guard SDPText(fragment).isIce(length: SDPLimits.ufragLength) else {
      throw SDPError(.malformed(.iceUfrag)).asDecodingError(at: container.codingPath + [Key.usernameFragment])
    }
    candidate.extensions.append(IceCandidate.Extension(name: "ufrag", value: fragment))
    self = .candidate(candidate)
  }

  /// Writes `{"candidate": …, "sdpMid": …, "sdpMLineIndex": …}`, and `usernameFragment` if it is known.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    switch self {
    case .candidate(let candidate):
      try container.encode(candidate.candidate, forKey: .candidate)
      try container.encode(candidate.sdpMid, forKey: .sdpMid)
      try container.encode(candidate.sdpMLineIndex, forKey: .sdpMLineIndex)
      try container.encodeIfPresent(candidate.usernameFragment, forKey: .usernameFragment)
    case .end(let mid, let index):
      try container.encode("", forKey: .candidate)
      try container.encode(mid, forKey: .sdpMid)
      try container.encode(index, forKey: .sdpMLineIndex)
    }
  }
}

extension IceCandidate: Codable {
  /// Reads what ``TrickledCandidate`` reads.
  /// - Throws: `DecodingError` also if it tells the end of candidates.
  public init(from decoder: any Decoder) throws {
    guard case .candidate(let candidate) = try TrickledCandidate(from: decoder) else {
      throw SDPError(.malformed(.candidate)).asDecodingError(at: decoder.codingPath)
    }
    self = candidate
  }

  /// Writes what ``TrickledCandidate`` writes.
  public func encode(to encoder: any Encoder) throws {
    try TrickledCandidate.candidate(self).encode(to: encoder)
  }
}

extension SDPError {
  fileprivate func asDecodingError(at path: [any CodingKey]) -> DecodingError {
    .dataCorrupted(DecodingError.Context(codingPath: path, debugDescription: description, underlyingError: self))
  }
}
