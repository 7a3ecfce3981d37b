import HTTPTypes
import PouchCore
import Synchronization

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Sends requests to one server: with credentials, again when that may help, and with bounds to what comes back.
final class RemoteClient: Sendable {
  /// Whether a request may be sent again without knowing what became of the first one.
  enum Repetition: Sendable {
    /// It changes nothing, or nothing more when it is done twice.
    case harmless
    /// It is sent again only if the server cannot have received it.
    case harmful
  }

  /// A whole answer in memory.
  struct Answer: Sendable {
    let headers: HTTPFields
    let bytes: [UInt8]
  }

  let carrier: any Carrier
  /// The segments of the server's own path, before the database's name.
  let root: [String]
  let options: RemoteOptions
  private let credentials: RemoteCredentials?
  private let cookie = Mutex<String?>(nil)

  init(carrier: any Carrier, root: [String], credentials: RemoteCredentials?, options: RemoteOptions) {
    self.carrier = carrier
    self.root = root
    self.credentials = credentials
    self.options = options
  }

  // MARK: - Exchanges

  /// How long nothing may be heard, if that is to be watched here.
  private var silence: Duration? { carrier.endsSilentExchanges ? nil : options.silence }

  /// Sends a request and reads the whole answer.
  /// - Parameters:
  ///   - silence: how long nothing may be heard; the options' own time if `nil`.
  ///   - closing: ends the exchange when the database is closed.
  /// - Throws: the error that the server answers with; ``PouchError/Code/badResponse`` for an answer over `limit`
  ///   bytes.
  func answer(
    to request: Request, _ repetition: Repetition, upTo limit: Int = RemoteLimits.answer, silence: Duration? = nil,
    until closing: ClosingSignal? = nil
  ) async throws -> Answer {
    try await repeating(request, repetition) { outgoing in
      try await Watch.run(
        silence: silence ?? self.silence, clock: self.options.clock, until: closing
      ) { watch in
        let response = try await self.success(of: request, outgoing, watch)
        let bytes = try await self.collect(response.body, upTo: limit, watch)
        return Answer(headers: response.headers, bytes: bytes)
      }
    }
  }

  /// Sends a request and reads the whole answer as JSON.
  func json(
    _ request: Request, _ repetition: Repetition, upTo limit: Int = RemoteLimits.answer, silence: Duration? = nil,
    until closing: ClosingSignal? = nil
  ) async throws -> JSONSlice {
    let answer = try await answer(to: request, repetition, upTo: limit, silence: silence, until: closing)
    do throws(JSONError) {
      return JSONSlice(try JSONText(answer.bytes, limits: .message))
    } catch {
      throw PouchError(.badResponse, "The server's answer is not JSON.", underlying: error)
    }
  }

  /// Sends a request and returns the response, whose body is still to be read.
  func open(_ request: Request) async throws -> Response {
    try await repeating(request, .harmless) { outgoing in
      try await Watch.run(silence: self.silence, clock: self.options.clock) { watch in
        try await self.success(of: request, outgoing, watch)
      }
    }
  }

  private func collect(_ body: Body, upTo limit: Int, _ watch: Watch) async throws -> [UInt8] {
    let tooLarge = PouchError(
      .badResponse, "The server's answer is longer than \(limit) bytes.", underlying: AnswerTooLarge())
    guard (body.length ?? 0) <= Int64(limit) else { throw tooLarge }
    if case .bytes(let bytes) = body { return bytes }
    var bytes: [UInt8] = []
    if let length = body.length { bytes.reserveCapacity(Int(max(0, length))) }
    for try await piece in body.stream {
      watch.touch()
      guard bytes.count + piece.count <= limit else { throw tooLarge }
      bytes.append(contentsOf: piece)
    }
    if let length = body.length, length != Int64(bytes.count) {
      throw PouchError(.badResponse, "The server's answer was cut short.")
    }
    return bytes
  }

  // MARK: - Repeating

  /// A failure, with what is known of the request.
  private struct Failure: Error {
    let error: PouchError
    let isKnownUndone: Bool
  }

  private func repeating<Value>(
    _ request: Request, _ repetition: Repetition, _ attempt: (OutgoingBody) async throws -> Value
  ) async throws -> Value {
    var repetitions = 0
    while true {
      let outgoing = OutgoingBody()
      let failure: Failure
      do {
        return try await attempt(outgoing)
      } catch let error as Failure {
        failure = error
      } catch let error as PouchError {
        failure = Failure(error: error, isKnownUndone: false)
      } catch is CancellationError {
        throw PouchError(.cancelled)
      } catch {
        throw outgoing.failure ?? error
      }
      if let cause = outgoing.failure { throw cause }
      guard repetitions < options.repetitions, !outgoing.wasBegun, mayRepeat(failure, repetition) else {
        throw failure.error
      }
      try await pause(after: repetitions, failure.error.retryAfter)
      repetitions += 1
    }
  }

  private func mayRepeat(_ failure: Failure, _ repetition: Repetition) -> Bool {
    guard failure.error.code.isTransient, !failure.error.isOfOversizedAnswer,
      (failure.error.retryAfter ?? .zero) <= options.longestRetryAfter
    else { return false }
    return failure.isKnownUndone || repetition == .harmless
  }

  /// Waits before a repetition: twice as long each time, with chance in it so that many who failed together do not
  /// come back together.
  func pause(after repetitions: Int, _ retryAfter: Duration? = nil) async throws {
    let longest = options.firstDelay * (1 << min(repetitions, 16))
    let delay = longest * (1 - options.random() / 2)
    do {
      try await options.clock.sleep(for: max(delay, retryAfter ?? .zero))
    } catch {
      throw PouchError(.cancelled)
    }
  }

  // MARK: - One attempt

  /// Sends a request once, with credentials.
  /// - Throws: ``Failure`` with the server's error if it answers with one.
  private func success(of request: Request, _ outgoing: OutgoingBody, _ watch: Watch) async throws -> Response {
    var request = request
    if case .stream = request.body { try await probeSession(for: request, watch) }
    request.body = outgoing.observed(request.body, by: watch)
    let session = try await authorize(&request, watch)
    var response = try await send(request, watch)
    if response.status.code == 401, let session, !outgoing.wasBegun {
      cookie.withLock { if $0 == session { $0 = nil } }
      _ = try await authorize(&request, watch)
      response = try await send(request, watch)
    }
    watch.touch()
    guard response.status.kind != .successful else { return response }
    if response.status.kind == .redirection {
      throw PouchError(.badResponse, "The server redirects to where the request may not go.")
    }
    let error = await ErrorAnswer.error(of: response)
    throw Failure(error: error, isKnownUndone: response.status.code == 429)
  }

  private func send(_ request: Request, _ watch: Watch) async throws -> Response {
    do {
      let response = try await carrier.send(request)
      watch.touch()
      if let renewed = SessionCookie.given(in: response.headers), case .session? = credentials {
        cookie.withLock { $0 = renewed }
      }
      return response
    } catch let error as PouchError where error.code == .unreachable {
      throw Failure(error: error, isKnownUndone: true)
    }
  }

  /// Adds the credentials.
  /// - Returns: the cookie that was added, if the credentials are a session's.
  private func authorize(_ request: inout Request, _ watch: Watch) async throws -> String? {
    switch credentials {
    case nil: return nil
    case .basic(let name, let password)?:
      request.headers[.authorization] = "Basic \(Data("\(name):\(password)".utf8).base64EncodedString())"
      return nil
    case .session(let name, let password)?:
      var session = cookie.withLock(\.self)
      if session == nil { session = try await login(name, password, watch) }
      request.headers[.cookie] = session
      return session
    }
  }

  /// Gives up a session that has run out, by a question about the database: a body that is streamed cannot be sent a
  /// second time after it was refused.
  private func probeSession(for request: Request, _ watch: Watch) async throws {
    guard let session = cookie.withLock(\.self) else { return }
    let database = Array(request.path.prefix(root.count + 1))
    let response = try await send(Request(.head, database, headers: [.cookie: session]), watch)
    guard response.status.code == 401 else { return }
    cookie.withLock { if $0 == session { $0 = nil } }
  }

  private func login(_ name: String, _ password: String, _ watch: Watch) async throws -> String {
    let response = try await send(SessionCookie.login(at: root, name: name, password: password), watch)
    guard response.status.kind == .successful else {
      throw Failure(error: await ErrorAnswer.error(of: response), isKnownUndone: true)
    }
    _ = try await collect(response.body, upTo: RemoteLimits.errorAnswer, watch)
    guard let session = SessionCookie.given(in: response.headers) else {
      throw PouchError(.badResponse, "The server gives no cookie for a session.")
    }
    return session
  }
}
