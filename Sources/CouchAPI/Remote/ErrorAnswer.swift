import HTTPTypes
import PouchCore

/// What a server says when it does not do what it was asked.
enum ErrorAnswer {
  /// The error that a response tells: by CouchDB's name for it, or by the status if the name is not known or the body
  /// is something else, such as the page of a proxy.
  static func error(of response: Response) async -> PouchError {
    var error = error(
      status: response.status.code, (try? await response.body.collect(upTo: RemoteLimits.errorAnswer)) ?? [])
    error.retryAfter = RetryAfter.duration(in: response.headers)
    return error
  }

  static func error(status: Int, _ body: [UInt8]) -> PouchError {
    if let text = try? JSONText(body), text.isObject, let error = error(in: JSONSlice(text), status: status) {
      return error
    }
    let code = code(ofStatus: status)
    return PouchError(code, "The server answered with status \(status) and no reason.")
  }

  /// The error of one document within an answer.
  /// - Returns: `nil` if it names none.
  static func error(in slice: JSONSlice, status: Int = 500) -> PouchError? {
    guard let name = slice["error"]?.string else { return nil }
    let reason = slice["reason"]?.string ?? name
    let code = code(named: name) ?? code(ofStatus: status)
    return PouchError(code, named: prefix(of: name), prefix(of: reason))
  }

  private static func prefix(of reason: String) -> String {
    guard reason.utf8.count > RemoteLimits.reason else { return reason }
    return String(decoding: reason.utf8.prefix(RemoteLimits.reason), as: UTF8.self)
  }

  /// The code of one of CouchDB's names. Names of failures that are only known within a process are left out: a server
  /// that says `cancelled` or `database_closed` must not look like this program's own doing.
  private static func code(named name: String) -> PouchError.Code? {
    switch name {
    case "db_not_found", "no_db_file": .notFound
    case "illegal_docid": .illegalDocumentID
    case "invalid_design_doc", "compilation_error": .badRequest
    case "quota_exceeded": .forbidden
    case "request_entity_too_large": .requestTooLarge
    default: names[name]
    }
  }

  private static let names: [String: PouchError.Code] = {
    let local: Set<PouchError.Code> = [
      .cancelled, .databaseClosed, .corrupt, .ioError, .internalError, .unsupportedFormat, .databaseBusy,
    ]
    let wire = PouchError.Code.allCases.filter { !local.contains($0) }
    return Dictionary(wire.map { ($0.name, $0) }) { first, _ in first }
  }()

  private static func code(ofStatus status: Int) -> PouchError.Code {
    switch status {
    case 400: .badRequest
    case 401: .unauthorized
    case 403: .forbidden
    case 404: .notFound
    case 405: .methodNotAllowed
    case 406: .notAcceptable
    case 408, 504: .timeout
    case 409: .conflict
    case 413: .requestTooLarge
    case 415: .unsupportedMediaType
    case 416: .rangeNotSatisfiable
    case 421: .misdirectedRequest
    case 429: .tooManyRequests
    case 500: .internalError
    case 501: .notImplemented
    case 502: .unreachable
    case 503: .serviceUnavailable
    case 507: .diskFull
    case 402..<500: .badRequest
    default: .badResponse
    }
  }
}

/// An answer that is longer than what is taken into memory.
struct AnswerTooLarge: Error {}

extension PouchError {
  /// Whether asking for less may help: the answer is too large, or one thing in it is nested too deep.
  var isOfOversizedAnswer: Bool {
    if underlying is AnswerTooLarge || code == .requestTooLarge { return true }
    if let error = underlying as? JSONError, case .tooDeep = error.problem { return true }
    return false
  }

  /// Whether this tells that the database as a whole is not there, and not a document in it.
  var isOfMissingDatabase: Bool {
    code == .notFound
      && (reason.contains("Database") || reason.contains("no_db_file") || reason.contains("could not open"))
  }

  /// Whether a server that does not know a request answers so.
  var isOfUnknownRequest: Bool {
    switch code {
    case .badRequest, .methodNotAllowed, .notImplemented, .unsupportedMediaType: true
    case .notFound: !isOfMissingDatabase
    default: false
    }
  }
}
