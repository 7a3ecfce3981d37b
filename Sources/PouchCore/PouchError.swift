/// What went wrong, in CouchDB's words.
///
/// ```swift
/// do {
///   try await notes.put(document)
/// } catch let error as PouchError where error.code == .conflict {
///   …
/// }
/// ```
public struct PouchError: Error, Sendable {
  /// What kind of failure this is; the one thing to branch on.
  public let code: Code
  /// CouchDB's `error`: the code's own name, or a finer one that CouchDB gives in few places.
  public let name: String
  /// A sentence for people, CouchDB's own where it has one.
  public let reason: String
  /// The failure below, if there was one.
  public let underlying: (any Error)?
  /// How long to wait before trying again, if the other side said so: HTTP's `Retry-After`.
  public var retryAfter: Duration?

  /// - Parameter reason: CouchDB's usual sentence for the code when left out.
  public init(_ code: Code, _ reason: String? = nil, underlying: (any Error)? = nil) {
    self.code = code
    name = code.name
    self.reason = reason ?? code.usualReason
    self.underlying = underlying
  }

  /// - Parameter name: what CouchDB calls this, which is more than the code tells.
  public init(_ code: Code, named name: String, _ reason: String, underlying: (any Error)? = nil) {
    self.code = code
    self.name = name
    self.reason = reason
    self.underlying = underlying
  }

  /// The document or database is not there.
  public static let missing = PouchError(.notFound, "missing")
  /// The document was deleted.
  public static let deleted = PouchError(.notFound, "deleted")
  /// The revision given is not a leaf of the document.
  public static let conflict = PouchError(.conflict)
  /// The database was closed.
  public static let closed = PouchError(.databaseClosed)
}

extension PouchError: Equatable {
  /// Errors are equal when code and reason are; what lies below does not count.
  public static func == (left: PouchError, right: PouchError) -> Bool {
    left.code == right.code && left.reason == right.reason
  }
}

extension PouchError: CustomStringConvertible {
  public var description: String { "\(name): \(reason)" }
}

extension PouchError {
  /// Every kind of failure. The table below is the only place that maps them to CouchDB's names, HTTP statuses and the
  /// command's exit codes.
  public enum Code: String, Sendable, Hashable, CaseIterable {
    case badRequest
    case invalidDocument
    case illegalDocumentID
    case illegalDatabaseName
    case digestMismatch
    case missingStub
    case unauthorized
    case forbidden
    case notFound
    case gone
    case conflict
    case databaseExists
    case documentTooLarge
    case requestTooLarge
    case rangeNotSatisfiable
    case queryParseError
    case methodNotAllowed
    case notAcceptable
    case unsupportedMediaType
    case misdirectedRequest
    case tooManyRequests
    case serviceUnavailable
    case unreachable
    case timeout
    case badResponse
    case unsupportedFormat
    case notImplemented
    case diskFull
    case databaseBusy
    case databaseClosed
    case corrupt
    case cancelled
    case ioError
    case internalError
  }
}

extension PouchError.Code {
  private struct Row {
    let name: String
    let status: Int
    let exit: Int32
    let reason: String
  }

  private static func row(_ name: String, _ status: Int, exit: Int32 = 1, _ reason: String) -> Row {
    Row(name: name, status: status, exit: exit, reason: reason)
  }

  private var row: Row {
    switch self {
    case .badRequest: Self.row("bad_request", 400, "Bad request.")
    case .invalidDocument: Self.row("doc_validation", 400, "Bad special document member.")
    case .illegalDocumentID: Self.row("illegal_docid", 400, "Only reserved document ids may start with underscore.")
    case .illegalDatabaseName: Self.row("illegal_database_name", 400, "Not a database name.")
    case .digestMismatch: Self.row("content_md5_mismatch", 400, "Possible message corruption.")
    case .missingStub: Self.row("missing_stub", 412, "Invalid attachment stub.")
    case .unauthorized: Self.row("unauthorized", 401, exit: 5, "Name or password is incorrect.")
    case .forbidden: Self.row("forbidden", 403, exit: 5, "You are not allowed to do this.")
    case .notFound: Self.row("not_found", 404, exit: 3, "missing")
    case .gone: Self.row("gone", 410, "This is not there any more.")
    case .conflict: Self.row("conflict", 409, exit: 4, "Document update conflict.")
    case .databaseExists:
      Self.row("file_exists", 412, exit: 4, "The database could not be created, the file already exists.")
    case .documentTooLarge: Self.row("document_too_large", 413, exit: 5, "The document is too large.")
    case .requestTooLarge: Self.row("too_large", 413, exit: 5, "the request entity is too large")
    case .queryParseError: Self.row("query_parse_error", 400, "Invalid value for a query parameter.")
    case .methodNotAllowed: Self.row("method_not_allowed", 405, "Method not allowed.")
    case .notAcceptable: Self.row("not_acceptable", 406, "No form of the answer is acceptable.")
    case .unsupportedMediaType: Self.row("bad_content_type", 415, "Content-Type must be application/json")
    case .misdirectedRequest: Self.row("misdirected_request", 421, "This server does not answer for that host.")
    case .tooManyRequests: Self.row("too_many_requests", 429, "Too many requests; try again later.")
    case .serviceUnavailable: Self.row("service_unavailable", 503, "The server is not available; try again later.")
    case .unreachable: Self.row("unreachable", 502, "The server cannot be reached.")
    case .timeout: Self.row("timeout", 504, "The server did not answer in time.")
    case .badResponse: Self.row("bad_response", 502, "The server's answer makes no sense.")
    case .rangeNotSatisfiable:
      Self.row("requested_range_not_satisfiable", 416, "Requested range not satisfiable")
    case .unsupportedFormat: Self.row("unsupported_format", 500, "The file is no database that this version reads.")
    case .notImplemented: Self.row("not_implemented", 501, "Not implemented.")
    case .diskFull: Self.row("insufficient_storage", 507, "The disk is full; nothing of this was written.")
    case .databaseBusy: Self.row("database_busy", 503, "Another process holds the database; try again.")
    case .databaseClosed: Self.row("database_closed", 500, "The database was closed.")
    case .corrupt: Self.row("database_corrupt", 500, "The file is damaged.")
    case .cancelled: Self.row("cancelled", 499, "Cancelled.")
    case .ioError: Self.row("io_error", 500, "The file could not be read or written.")
    case .internalError: Self.row("internal_error", 500, "An internal error.")
    }
  }

  /// CouchDB's `error`, or one of the same manner where CouchDB has none.
  public var name: String { row.name }
  /// The HTTP status.
  public var status: Int { row.status }
  /// What the command `peerpouch` exits with: 1 error, 3 not found, 4 conflict, 5 refused.
  public var exitCode: Int32 { row.exit }
  /// Whether the same request may succeed later: the other side is away, overloaded, or was cut off.
  public var isTransient: Bool {
    switch self {
    case .unreachable, .timeout, .serviceUnavailable, .tooManyRequests, .databaseBusy, .badResponse: true
    default: false
    }
  }
  /// The reason that is given when nothing more precise is known.
  var usualReason: String { row.reason }
}
