/// The bounds of identities, shares, tickets and signals, each with its reason. Those of connections and requests belong
/// to the tunnel.
///
/// Whatever passes a bound is ignored when a peer sent it, and refused with an error when the own program made it.
public enum TrustLimits {
  // MARK: Documents of the hub

  /// The largest signal in bytes: its document as JSON without white space and without CouchDB's own members. An offer
  /// with 24 usual candidates and the largest `info` takes about 9 KiB.
  public static let signal = 16 * 1024
  /// The largest share document in bytes, measured as a signal is: a full record in base64url, and the outer name and
  /// info for old readers.
  public static let shareDocument = 16 * 1024
  /// The largest record within a share document, in bytes of its JSON.
  public static let record = 8 * 1024
  /// The largest `info` of a share or of an opener, in bytes of its JSON without white space.
  public static let info = 2 * 1024
  /// The longest name of a share in bytes of UTF-8.
  public static let name = 128
  /// The deepest nesting of arrays and objects in what peers say.
  public static let depth = 128
  /// The highest number that a record or lease may have: what JavaScript counts exactly.
  public static let integer = 1 << 53 - 1
  /// The longest reason of a refusal in bytes of UTF-8.
  public static let refusal = 128
  /// The longest address of a hub within a ticket or share URL in bytes of UTF-8.
  public static let hub = 1024
  /// The body of an offer is padded to a multiple of this, in bytes, so that its length tells little.
  public static let padding = 1024

  // MARK: Candidates

  /// The most candidates that one side may name during one opening, over all of its signals.
  public static let candidates = 24
  /// The longest candidate in bytes. Browsers write about 150.
  public static let candidate = 512
  /// The longest `ufrag` and `pwd` (RFC 8839, section 5.4, allows 256 characters of each).
  public static let iceCredential = 256
  /// How many signals with further candidates either side may send during one opening.
  public static let furtherSignals = 8

  // MARK: Rates and times

  /// How many signals a share looks at within any second; each costs a key agreement and the check of a signature.
  public static let offersPerSecond = 200
  /// How many openings of a share may be under way at once.
  public static let pending = 128
  /// How many of them may belong to one identity.
  public static let pendingPerIdentity = 2
  /// How long an opening may take, from the offer to the first frames.
  public static let handshake: Duration = .seconds(30)
  /// How long whoever is asked about a remote may take.
  public static let decision: Duration = .seconds(60)
  /// How long the first frame of a new connection may take.
  public static let hello: Duration = .seconds(10)
  /// How long a share's record promises that its sharer lives, from when it was written.
  public static let lease: Duration = .seconds(15 * 60)

  // MARK: Epochs

  /// How long an epoch's key is published.
  public static let epochLife: Duration = .seconds(60 * 60)
  /// How many offers one epoch takes before it is replaced. As many again are taken while it is the predecessor.
  public static let epochOffers = 4096
  /// How long an epoch's key still opens offers after it was replaced.
  public static let predecessorLife: Duration = .seconds(10 * 60)

  // MARK: Memory

  /// How many tickets a share keeps. Making one more fails until others expired or were revoked.
  public static let tickets = 1024
  /// How long the tickets of `send` live.
  public static let sendTicketLife: Duration = .seconds(24 * 60 * 60)
  /// How many identities are remembered; the one not met for longest makes room.
  public static let knownIdentities = 4096
  /// Of how many shares the highest number seen is remembered; the one not met for longest makes room.
  public static let rememberedShares = 4096
}
