/// The sizes and times of HTTP's server and client that are not for users to set, each with its reason.
enum HTTPTuning {
  // MARK: Connections of the server

  /// The longest request line and the longest header, in bytes: an id and an attachment's name of 8 KiB each, all of it
  /// percent-encoded, and a database's name.
  static let headerBytes = 52 * 1024
  /// All headers of a request with its request line, in bytes.
  static let headBytes = 64 * 1024
  /// How many headers a request may have. Browsers send about 20.
  static let headerCount = 100
  /// How many bytes are read from a new connection at once: most requests without a body are shorter.
  static let firstRead = 1024
  /// How many bytes are read at once when more and more come.
  static let largestRead = 64 * 1024
  /// How many bytes of a request's body wait for their reader before the socket is not read any more. Two reads of the
  /// socket at its largest.
  static let inboundBytes = 128 * 1024
  /// How many pieces may wait, whatever their size: a chunk of one byte takes about 100 bytes of memory.
  static let inboundParts = 64
  /// The largest buffer handed to the socket at once. The write time limit is for this much.
  static let writeBytes = 256 * 1024
  /// How many bytes the head of a response usually has at most.
  static let headCapacity = 512
  /// Responses up to this size are sent without waiting until they are written; they fit the socket's own buffer.
  static let unawaitedBytes = 64 * 1024
  /// The longest unread rest of a request's body that is read and dropped to keep the connection.
  static let skippedBytes: Int64 = 64 * 1024
  /// How long a connection that the server has ended waits for the client to see that, before it is cut. Without it, the
  /// client's unread bytes would make the system drop a response that is on its way.
  static let linger = Duration.seconds(2)
  /// The longest time that such a client may go on sending.
  static let lingerAtMost = Duration.seconds(20)
  /// How long a client that has closed its sending side is given to read: programs that only half-close get the
  /// response, while the feed of one that has gone does not stay.
  static let halfClosedGrace = Duration.seconds(1)
  /// The largest piece of a request's body that is handed on at once, in bytes.
  static let bodyPiece = 64 * 1024
  /// How many open files are left for others than connections: databases, and the system's own.
  static let otherFiles = 1024
  /// How many connections may wait to be accepted.
  static let backlog = 1024

  // MARK: Compression of responses

  /// The smallest response that is compressed, in bytes; a packet carries about as much.
  static let compressedBytes = 1400
  /// How many streamed responses are compressed at a time, each with 136 KiB. Further ones are sent as they are.
  static let compressedStreams = 64
  /// How much compressed data is collected before it is written, in bytes.
  static let compressedPiece = 16 * 1024

  // MARK: Logging

  /// How many bytes of a path the access log shows.
  static let loggedPath = 1024

  // MARK: The client

  /// How many redirects are followed.
  static let redirects = 5
  /// How long CouchDB holds a longpoll open when nothing else is said, in milliseconds.
  static let defaultFeedTimeout = 60_000
}
