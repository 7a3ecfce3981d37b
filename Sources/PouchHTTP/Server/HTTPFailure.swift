import CouchAPI
import HTTPTypes
import NIOHTTP1
import PouchCore

/// What this server itself answers to requests that never reach the responder, in CouchDB's form.
enum HTTPFailure {
  static let slowHead = PouchError(.badRequest, "The request's head did not arrive in time.")
  static let stalledBody = PouchError(.badRequest, "The request's body did not arrive in time.")
  static let disconnected = PouchError(.cancelled, "The client has closed the connection.")
  static let shuttingDown = PouchError(.serviceUnavailable, "The server shuts down.")
  static let oversizedHead = PouchError(.badRequest, "The request's headers are too large.")

  static func malformed(_ error: HTTPParserError) -> PouchError {
    switch error {
    case .headerOverflow: oversizedHead
    default: PouchError(.badRequest, "The request is not HTTP/1.1.")
    }
  }

  /// An error in CouchDB's form.
  static func response(_ error: PouchError) -> Response {
    let body: JSON = ["error": JSON(error.code.name), "reason": JSON(error.reason)]
    return Response(
      status(of: error), headers: [.contentType: "application/json", .cacheControl: "must-revalidate"],
      body: .bytes(Array("\(body.text)\n".utf8)))
  }

  /// HTTP has a status of its own for some of what is a bad request to CouchDB.
  private static func status(of error: PouchError) -> HTTPResponse.Status {
    switch error {
    case slowHead, stalledBody: .requestTimeout
    case oversizedHead: .requestHeaderFieldsTooLarge
    default: HTTPResponse.Status(code: error.code.status)
    }
  }
}
