/// The bounds of what a database takes, each with its reason.
public enum Limits {
  /// The longest document id in bytes. CouchDB has taken 5,000 and more; 8 KiB still fits the request line that most
  /// HTTP servers accept.
  public static let documentID = 8 * 1024
  /// The longest attachment name in bytes, for the same reason.
  public static let attachmentName = 8 * 1024
  /// The largest document body in bytes unless set otherwise; CouchDB 3's `max_document_size` is 8,000,000.
  public static let documentBody = 8 * 1024 * 1024
  /// The largest body in bytes that the setting can allow: half of what SQLite takes in one value.
  public static let documentBodyCeiling = 512 * 1024 * 1024
  /// How many ancestors of each leaf a revision tree keeps unless set otherwise; CouchDB's `revs_limit`.
  public static let revisions = 1000
  /// The longest text after the dash of a revision id, in bytes. Ids that databases make have 32.
  public static let revisionSuffix = 256
  /// The highest generation a revision id may have. Those beyond it could not be counted on.
  public static let generation = Int.max
}
