/// Sizes, counts and delays of replication, each with its reason.
public enum ReplicationTuning {
  // MARK: Reading the feed

  /// How many changes are read by the first request, and by every other one where the source answers soon. They take about
  /// 2 MB.
  public static let changesPerRead = 10_000
  /// How many are read by one request at most; each request reads up to twice as many as the one before.
  public static let mostChangesPerRead = 40_000
  /// How many changes may pass in a second for all that the round trips cost. The next request needs the position that the
  /// one before it ends at, so that longer ways need longer answers.
  public static let changesPerSecond = 400_000

  /// How many changes one request comes to read.
  /// - Parameter latency: how long the source takes to answer a request for little.
  static func mostChangesPerRead(latency: Duration) -> Int {
    let passing = Double(changesPerSecond) * min(latency / .seconds(1), 1)
    return min(max(changesPerRead, Int(passing)), mostChangesPerRead)
  }
  /// How many bytes of ids and revisions may wait to be copied. Two full reads of ``changesPerRead`` fit, so that the next
  /// one is under way while the last one is worked off.
  public static let queuedChangesBytes = 4 * 1024 * 1024
  /// How long a live replication waits before it asks again after it got something. A change that comes alone is copied
  /// at once; those that follow within this time are copied together.
  public static let liveGathering = Duration.milliseconds(20)
  /// How often that delay is doubled when the feed answers, but with nothing: a source that does so without pause is
  /// asked about once a second.
  public static let emptyAnswersDoublings = 6

  // MARK: Copying

  /// How many changed documents one batch has at most. A thousand of 300 bytes are few enough for any server's limits,
  /// and many enough to make the cost of a transaction vanish.
  public static let batchDocuments = 1_000
  /// How many bytes of bodies one request reads or writes, except that a single document may be larger.
  public static let batchBytes = 4 * 1024 * 1024
  /// How many bytes of ids and revisions a batch asks the target about.
  public static let batchKeyBytes = 1024 * 1024
  /// How many batches are under way at the same time. Each takes three round trips, and the time of the work itself:
  /// 24 batches of 1,000 hide 50 ms of round-trip time up to some 100,000 documents a second. Their bodies are bounded
  /// by ``bytesInFlight`` all the same. At most two thirds of them are at the target at a time, which is as many as
  /// our own carrier has connections.
  public static let batchesInFlight = 24
  /// How many bytes of bodies all batches under way hold together; beyond it by at most one document each.
  public static let bytesInFlight = 32 * 1024 * 1024
  /// How large a document is taken to be before the first one was seen, in bytes.
  public static let firstDocumentEstimate = 4 * 1024
  /// How many bytes are set aside at least for a request that reads documents.
  public static let leastReservation = 64 * 1024

  // MARK: Attachments, and documents that go alone

  /// How many documents are copied one by one at the same time: those with large attachments, whose bytes are streamed,
  /// and those that did not pass in a batch.
  public static let singlesInFlight = 8
  /// How many such documents may wait; a name and two revisions each.
  public static let queuedSingles = 2_000
  /// Up to how many bytes of attachments a document goes along in a batch: reading it by itself would cost more than the
  /// bytes do, which are in memory until the batch is written.
  public static let inlineAttachmentBytes = 256 * 1024
  /// How many bytes of documents with small attachments go together.
  public static let inlineBundleBytes = 1024 * 1024
  /// How many such bundles of a batch are under way at the same time: while some are read, others are written.
  public static let bundlesInFlight = 4
  /// How many documents of a bundle are read at the same time. With ``bundlesInFlight`` they are as many as our own carrier
  /// has connections.
  public static let bundledInFlight = 4

  // MARK: Checkpoints

  /// How often the position is written down while documents are copied. What is lost with a crash is looked at again,
  /// but not copied again.
  public static let checkpointInterval = Duration.seconds(5)
  /// How long a replication that is cancelled or fails may take to write down how far it came.
  public static let lastCheckpointTimeout = Duration.seconds(5)
  /// How many sessions a checkpoint remembers; CouchDB's number.
  public static let historyEntries = 50
  /// How often a checkpoint that somebody else wrote in between is read and written again.
  public static let checkpointConflicts = 5
  /// The longest session id that is taken over from a checkpoint, in bytes; CouchDB's have 32, PouchDB's 36.
  public static let sessionIDBytes = 128
  /// The longest position that is taken over from a checkpoint, in bytes; those of CouchDB grow with its shards, and
  /// have some hundred for eight of them.
  public static let sequenceBytes = 16 * 1024

  // MARK: Failures

  /// How many failures are listed one by one; all are counted.
  public static let failuresListed = 100
  /// The delay before a request is sent again, doubled each time.
  public static let firstRetryDelay = Duration.milliseconds(250)
  /// The longest such delay.
  public static let longestRetryDelay = Duration.seconds(60)
  /// The longest delay that the other side can impose (`Retry-After`).
  public static let longestRetryAfter = Duration.seconds(300)
  /// How often a request is tried before the replication starts again from its checkpoint.
  public static let attemptsInPlace = 4
  /// How often a single document is tried that the other side answers with an internal error or nonsense, before it is
  /// given up: about half a minute, so that it is the document and not a passing trouble.
  public static let attemptsAlone = 8
  /// How often a replication that shall end starts again without having got anywhere in between, before it fails: with
  /// the delays, after about half a minute. Live ones start again for ever.
  public static let attemptsOnce = 6
}
