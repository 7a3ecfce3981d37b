import CouchAPI
public import PouchCore

/// The bounds of what a peer may ask of a shared database, each with its reason. What goes beyond one of them is
/// answered with an error; the session goes on.
public struct AccessLimits: Sendable, Hashable {
  /// The largest body of a document in bytes: CouchDB 3's bound.
  public var document = 8 << 20
  /// The longest JSON in bytes that writes one document: the largest one, with the names of its ancestors and some
  /// small attachments within it.
  public var documentRequest = 12 << 20
  /// The longest body in bytes of `_bulk_docs`.
  public var bulk = 32 << 20
  /// How many documents `_bulk_docs` takes at once: what a transaction holds.
  public var bulkDocuments = 10_000
  /// How many documents `_bulk_get` takes at once.
  public var bulkGets = 1000
  /// The longest JSON in bytes of requests that are not about documents, such as `_revs_diff`.
  public var request = 8 << 20
  /// How many revisions `open_revs`, `atts_since` and each entry of `_revs_diff` name.
  public var namedRevisions = 1000
  /// The deepest nesting of JSON. Documents go on to programs that recurse.
  public var jsonDepth = 128
  /// The bounds of selectors; regular expressions are forbidden.
  public var selector = SelectorLimits.peers
  /// How many leaves a document may have for a peer to add one. Reading a document takes time in proportion.
  public var leaves = 100
  /// How many local documents each identity has in a database, and how large they are in bytes: a checkpoint for each
  /// replication, of some KiB.
  public var localDocuments = 64
  public var localDocument = 64 << 10
  /// Writes are refused while the disk has less space than this, in bytes.
  public var freeSpace: Int64 = 1 << 30
  /// How many live feeds a connection has. Each waits within the database.
  public var feeds = 32
  /// How many lists of documents and changes a connection reads at the same time; more of them wait. Each holds a page
  /// of some MiB while the peer does not read on.
  public var lists = 16
  /// How many answers of single documents, or about many, a connection reads at the same time; more of them wait.
  /// Each holds up to ``document`` bytes while the peer does not read on. Small ones are given up at once.
  public var documents = 32
  /// How many bytes of requests a connection may have in memory at the same time; more of them wait unread.
  public var bodiesInMemory = 64 << 20
  /// Bodies of at most so many bytes, of requests or answers, are not counted among those: as many as there are
  /// streams make 16 MiB.
  public var smallBody = 64 << 10
  /// How long a feed may be silent at most, in milliseconds: half of ``TunnelLimits/stall``.
  public var heartbeat = 30_000

  /// The usual bounds.
  public init() {}

  /// The same for the router that answers.
  var router: RouterLimits {
    var limits = RouterLimits()
    limits.requestBody = request
    limits.documentBody = documentRequest
    limits.bulkBody = bulk
    limits.bulkDocuments = bulkDocuments
    limits.bulkGets = bulkGets
    limits.namedRevisions = namedRevisions
    limits.selector = selector
    limits.sortedBytes = bulk
    return limits
  }
}
