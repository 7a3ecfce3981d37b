/// Why something from outside was not accepted: the first check that failed, in the order of the cases.
///
/// Nothing is ever answered to what was rejected; the reason is for tests and logs.
public enum Rejection: Error, Sendable, Hashable {
  /// Larger than ``TrustLimits`` allows.
  case size
  /// More signals within a second, or more openings under way, than a share takes.
  case rate
  /// A document without the members of its kind; which one is wrong.
  case form(String)
  /// For another share or another opening, or its id does not commit to its owner's key.
  case id
  /// For a key that is not, or no longer, an epoch's of this share.
  case epoch
  /// An offer whose ephemeral key was used before in this epoch.
  case replay
  /// An answer to other bytes than the offer's.
  case offer
  /// A further signal whose number is not above the last one's.
  case order
  /// Not sealed with the keys of this opening.
  case decryption
  /// Sealed or signed contents that are not what they must be; which member is wrong.
  case body(String)
  /// Not signed by whom it says, or for something else.
  case signature
  /// A record older than one seen before.
  case number
  /// The session id of another identity's opening that is under way.
  case session
  /// More openings under way than one identity may have.
  case pending

  /// The check's name in logs and in the test vectors.
  public var check: String {
    switch self {
    case .size: "size"
    case .rate: "rate"
    case .form: "form"
    case .id: "id"
    case .epoch: "epoch"
    case .replay: "replay"
    case .offer: "offer"
    case .order: "order"
    case .decryption: "decryption"
    case .body: "body"
    case .signature: "signature"
    case .number: "number"
    case .session: "session"
    case .pending: "pending"
    }
  }
}
