extension SessionDescription {
  /// Answers an offer: its first section of data channels is accepted, all others are rejected.
  /// - Parameters:
  ///   - offer: The offer.
  ///   - sessionID: The number of the answerer's session.
  ///   - sessionVersion: The number of the description in it.
  ///   - data: What the answerer says of itself; `mid` and `transport` are replaced by those of the offer.
  public init(
    answering offer: SessionDescription, sessionID: UInt64, sessionVersion: UInt64 = 1, with data: DataSection
  ) {
    self.init(
      type: .answer, sessionID: sessionID, sessionVersion: sessionVersion,
      sections: Self.answerSections(to: offer, with: data), isBundled: offer.isBundled)
  }

  /// The sections of an answer to an offer: as many, in the same order and with the same `mid`s (RFC 8829, section 5.3.1).
  ///
  /// All but the first section of data channels are rejected, and all of them if there is none to accept.
  /// - Parameters:
  ///   - offer: The offer.
  ///   - data: What the answerer says of itself; `mid` and `transport` are replaced by those of the offer.
  public static func answerSections(to offer: SessionDescription, with data: DataSection) -> [MediaSection] {
    var isAnswered = false
    return offer.sections.map { section in
      guard case .data(let offered) = section, !offered.isRejected, !isAnswered else { return section.rejected }
      isAnswered = true
      var answer = data
      answer.mid = offered.mid
      answer.transport = offered.transport
      return .data(answer)
    }
  }
}
