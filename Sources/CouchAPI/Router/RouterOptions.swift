public import PouchCore

/// How a ``Router`` presents itself, and its bounds.
public struct RouterOptions: Sendable {
  /// What `Server` says.
  public var serverName = "PeerPouch/0.1 (CouchDB-compatible)"
  /// The identity of the server, 32 hexadecimal digits: `uuid` of `GET /`.
  public var serverUUID: String
  /// Runs replications for `_replicate` and `_active_tasks`; those answer 501 without one.
  public var replication: (any ReplicationService)?
  public var limits = RouterLimits()
  /// Makes the ids of documents that come without one.
  var documentIDs = DocumentIDs()

  /// - Parameter serverUUID: a random one unless given.
  public init(serverUUID: String? = nil, replication: (any ReplicationService)? = nil) {
    self.serverUUID = serverUUID ?? Identifiers.random()
    self.replication = replication
  }
}

/// The bounds of what requests may ask for, each with its reason.
public struct RouterLimits: Sendable, Hashable {
  /// The longest JSON body in bytes of requests that are not about documents: options, lists of ids and revisions.
  /// They are held as values, of which the shortest take about ten times as much memory as their text.
  public var requestBody = 16 << 20
  /// The longest body in bytes of one document as JSON, with attachments inline as base64. The document's own bound
  /// is the database's.
  public var documentBody = 64 << 20
  /// The longest body in bytes of `_bulk_docs`.
  public var bulkBody = 64 << 20
  /// How many documents `_bulk_docs` takes at once; what a transaction holds in memory.
  public var bulkDocuments = 100_000
  /// How many documents `_bulk_get` takes at once.
  public var bulkGets = 10_000
  /// How many ids `_uuids` makes at once: CouchDB's `max_count`.
  public var uuids = 1000
  /// How many databases `_dbs_info` tells about at once: CouchDB's `max_db_number_for_dbs_info_req`.
  public var databasesInfo = 100
  /// How many queries `_all_docs/queries` takes at once.
  public var queries = 1000
  /// The longest security object in bytes.
  public var securityObject = 1 << 20
  /// How many revisions `open_revs`, `atts_since` and the like name.
  public var namedRevisions = 10_000
  /// The bounds of selectors.
  public var selector = SelectorLimits.standard
  /// How many documents `_find` keeps in memory to sort them, and how many bytes of them; for a moment twice as many.
  /// CouchDB sorts by an index or not at all.
  public var sortedDocuments = 10_000
  public var sortedBytes = 64 << 20

  /// The usual bounds.
  public init() {}
}
