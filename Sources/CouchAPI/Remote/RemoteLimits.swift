/// The bounds of what a ``RemoteDatabase`` takes from a server, each with its reason.
public enum RemoteLimits {
  /// The longest answer in bytes that is taken into memory: several of the largest documents (8 MiB) with what is
  /// around them. Attachments are streamed and not bounded by it.
  public static let answer = 64 << 20
  /// How many bytes of an error's body are looked at. CouchDB's have some hundred; proxies send pages.
  static let errorAnswer = 64 << 10
  /// The longest reason in bytes that is taken from a server for an error.
  static let reason = 1024
  /// The longest cookie in bytes. CouchDB's has about 80.
  static let cookie = 4096
  /// The longest position in a log of changes in bytes. Those of clusters of many shards have some KiB.
  static let sequence = 64 << 10
  /// The longest id, percent-encoded, in bytes that is put into a path. Servers take 4 to 8 KiB of a request line;
  /// documents of longer ids are read and written by requests that name them in the body.
  static let idInPath = 2000
}

/// Sizes and times of a ``RemoteDatabase`` that trade one thing for another, each with its reason.
public enum RemoteTuning {
  /// How long a server may be silent, while it is asked something, before it counts as dead. Writing a large batch on
  /// a slow disk may take a minute.
  public static let silence: Duration = .seconds(120)
  /// How long a server may be silent while it compacts or purges. CouchDB compacts in the background, but ours answers
  /// when the work is done.
  static let upkeepSilence: Duration = .seconds(3600)
  /// How often a server shall give a sign of life while it waits for changes. Proxies often close connections that
  /// were silent for 30 or 60 seconds.
  public static let heartbeat: Duration = .seconds(25)
  /// How many heartbeats may be missed before a feed is opened anew.
  static let missedHeartbeats = 2
  /// How many times a request that failed for a passing reason is sent again.
  public static let repetitions = 3
  /// The delay before the first repetition; it doubles with each.
  public static let firstDelay: Duration = .milliseconds(250)
  /// The longest time that a server's `Retry-After` is waited for; what takes longer is for the caller to decide.
  public static let longestRetryAfter: Duration = .seconds(30)
  /// How many requests of one call are under way at a time where a server takes documents only one by one.
  static let concurrency = 8
  /// How many documents with attachments are uploaded at a time.
  static let uploads = 4
  /// How many bytes of documents go into one `_bulk_docs`: large enough that the round trip does not count, and small
  /// enough to be sent again.
  static let bulkBytes = 4 << 20
  /// How many documents go into one `_bulk_docs`.
  static let bulkCount = 2000
  /// How many documents are asked for by one `_bulk_get`; a limit of our own server towards peers.
  static let bulkGetCount = 1000
  /// How large a document is taken to be before any was seen, in bytes. It decides how many are asked for at first.
  static let expectedDocument = 4096
  /// How many bytes of documents a request should bring at most, by the sizes of those before.
  static let pageBytes = 4 << 20
  /// How many bytes of attachments in memory are sent within the JSON. Base64 makes them a third longer, but saves a
  /// request of its own for the document.
  static let inlineAttachments = 16 << 10
  /// How many bytes of an attachment of unknown length are read into memory to count them.
  static let measuredAttachment = 16 << 20
  /// How many revisions are named in one path: 50 bytes each stay far below what a request line may have.
  static let revisionsInPath = 40
  /// How many bytes of names and revisions go into one `_revs_diff`.
  static let revsDiffBytes = 2 << 20
  /// How often a download that broke off is taken up again without having come ``resumeProgress`` bytes further.
  static let resumptions = 5
  /// After how many bytes the count of ``resumptions`` starts over.
  static let resumeProgress: Int64 = 1 << 20
  /// The pause after a feed that ended without changes before its time; it doubles up to ``longestPollPause``.
  static let pollPause: Duration = .milliseconds(50)
  static let longestPollPause: Duration = .seconds(1)
  /// The pause before a server is asked again whether it is still compacting; it doubles up to ``longestPollPause``.
  static let compactionPause: Duration = .milliseconds(20)
}
