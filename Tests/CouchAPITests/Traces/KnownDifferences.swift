/// A difference from CouchDB that is meant, and why.
struct KnownDifference {
  enum Kind {
    /// The request is not made: its body was cut in the recording, or another part of PeerPouch answers it.
    case notAsked
    /// The answer differs in these respects.
    case differs(Set<Difference.Kind>)
  }

  /// A request that does in our way what CouchDB did.
  struct Repair {
    let method: String
    let target: String
    let body: String
  }

  let numbers: [Int]
  let kind: Kind
  let reason: String
  var repair: [Repair]?

  static let all: [KnownDifference] = []
}
