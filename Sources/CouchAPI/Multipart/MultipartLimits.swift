/// The bounds within which multipart bodies are read, each with its reason.
struct MultipartLimits: Sendable, Hashable {
  /// The most bytes that the headers of one part take. A name of an attachment has up to 8 KiB, in percent-encoding
  /// three times that.
  var headerBytes = 32 * 1024
  /// The most parts of one body. They are handed on one at a time and cost nothing afterwards; the bound is for readers
  /// that keep something of each.
  var parts = 100_000
  /// The most bytes of the JSON of a document in a multipart body: CouchDB's bound for a document, and as much again
  /// for the descriptions of attachments and for small attachments within it.
  var documentBytes = 16 * 1024 * 1024
  /// How many bytes of attachments are held in memory when they come in another order than the document names them.
  /// CouchDB and PouchDB send them in order.
  var outOfOrderBytes = 8 * 1024 * 1024

  static let standard = MultipartLimits()

  /// The longest boundary in bytes. RFC 2046 allows 70.
  static let boundary = 200
  /// The most white space behind a boundary that still makes it one (RFC 2046's transport padding).
  static let padding = 64
  /// How many bytes of small parts are written in one piece.
  static let piece = 16 * 1024
}
