/// What a session description is in the exchange of offer and answer (RFC 8829, section 3.2).
///
/// The raw values are those of browsers' `RTCSdpType`. Provisional answers and rollbacks are not spoken.
public enum SDPType: String, Hashable, Sendable, Codable {
  /// A proposal that asks for an answer.
  case offer
  /// The answer to an offer; with it, negotiation is over.
  case answer
}
