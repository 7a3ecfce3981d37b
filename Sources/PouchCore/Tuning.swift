/// Sizes that trade speed for memory, each with its reason.
public enum Tuning {
  /// How many changes a feed pulls at a time. A batch costs one read transaction; 500 make that cost vanish and are,
  /// at 300 bytes each, 150 KB. Batches are also bounded by ``changesBatchBytes``.
  public static let changesBatch = 500
  /// How many bytes of bodies a batch of changes holds before it ends early, so that a database of large documents
  /// does not fill the memory of its reader.
  public static let changesBatchBytes = 4 * 1024 * 1024
  /// How many changes are examined for a batch before it ends early: with a selector that few match, a batch still
  /// takes a few milliseconds.
  public static let changesExamined = 2000
  /// How many rows without documents ``Database/rows(_:)`` reads at a time: 1,000 take 200 KB.
  public static let idsPage = 1000
  /// How many rows with documents it reads at first, when nothing is known of their size; at the usual limit of 8 MiB a
  /// document these few are still bearable.
  public static let firstDocumentsPage = 8
  /// How many bytes of documents it aims to read at a time.
  public static let documentsPageBytes = 4 * 1024 * 1024
  /// How often an edit that lost against another one is tried again on the newer revision before it fails with
  /// `conflict`. Each time somebody else has succeeded, so this ends; the bound is for callers that never yield.
  public static let updateAttempts = 64
}
