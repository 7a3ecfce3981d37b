import Foundation
import HTTPTypes
import PouchCore
import Synchronization
import Testing

@testable import CouchAPI

/// A server that answers as a test says: with what CouchDB was recorded to answer, or with what no server should.
final class ScriptedServer: Carrier {
  typealias Script = @Sendable (_ request: Request, _ number: Int) async throws -> Response

  private let script: Script
  private let state = Mutex<[Request]>([])

  init(_ script: @escaping Script) {
    self.script = script
  }

  /// A server that gives these answers one after the other, the last one again and again.
  convenience init(_ answers: Response...) {
    self.init { _, number in answers[min(number, answers.count - 1)] }
  }

  /// A server that answers as CouchDB did in these exchanges, one after the other.
  convenience init(recorded labels: String...) throws {
    let exchanges = try labels.map { try RecordedExchange.named($0) }
    self.init { _, number in try exchanges[min(number, exchanges.count - 1)].response() }
  }

  /// What it was asked so far.
  var requests: [Request] { state.withLock(\.self) }

  /// The request lines of what it was asked.
  var lines: [String] {
    requests.map { "\($0.method) \($0.target.replacingOccurrences(of: "&att_encoding_info=true", with: ""))" }
  }

  func send(_ request: Request) async throws -> Response {
    let number = state.withLock { requests in
      requests.append(request)
      return requests.count - 1
    }
    return try await script(request, number)
  }

  func close() async {}

  /// The database of the recorded exchanges.
  func database(_ options: RemoteOptions = .prompt(), credentials: RemoteCredentials? = nil) -> RemoteDatabase {
    RemoteDatabase(
      carrier: self, path: ["trace"], name: "http://couch.test/trace", credentials: credentials, options: options)
  }
}

extension Response {
  /// An answer in JSON.
  init(_ status: Int, _ json: String, headers: HTTPFields = [:]) {
    var headers = headers
    headers[.contentType] = "application/json"
    self.init(HTTPResponse.Status(code: status), headers: headers, body: .bytes(Array(json.utf8)))
  }
}

extension Request {
  /// The body as JSON.
  func json() async throws -> JSON { try JSON(parsing: try await body.stream.bytes()) }
}

extension RecordedExchange {
  /// The exchange of a label in `couchdb-api.jsonl`.
  static func named(_ label: String) throws -> RecordedExchange {
    try #require(try load("couchdb-api.jsonl").first { $0.label == label }, "no exchange is called \(label)")
  }

  /// What CouchDB answered.
  func response() throws -> Response {
    var headers = HTTPFields()
    for (name, value) in responseHeaders {
      if let name = HTTPField.Name(name), name != .transferEncoding { headers[name] = value }
    }
    return Response(HTTPResponse.Status(code: status), headers: headers, body: .bytes(responseBody))
  }
}

/// A clock whose short pauses are over at once and are noted; long ones last until they are cancelled.
final class PromptClock: Clock {
  typealias Instant = ContinuousClock.Instant

  let now = ContinuousClock.now
  let minimumResolution: Duration = .nanoseconds(1)
  private let longest: Duration
  private let noted = Mutex<[Duration]>([])

  init(longest: Duration = .seconds(50)) {
    self.longest = longest
  }

  /// The pauses that were over at once.
  var pauses: [Duration] { noted.withLock(\.self) }

  func sleep(until deadline: Instant, tolerance: Duration?) async throws {
    let duration = now.duration(to: deadline)
    guard duration <= longest else { return try await Task.sleep(for: .seconds(86_400)) }
    try Task.checkCancellation()
    noted.withLock { $0.append(duration) }
    await Task.yield()
  }
}

extension RemoteOptions {
  /// Options that wait for nothing, without chance.
  static func prompt(_ clock: PromptClock = PromptClock()) -> RemoteOptions {
    var options = RemoteOptions()
    options.clock = clock
    options.random = { 0 }
    return options
  }
}

/// The error that a call ends with.
func failure(of body: () async throws -> Void) async -> PouchError? {
  do {
    try await body()
    return nil
  } catch {
    return error as? PouchError
  }
}
