import Foundation
import HTTPTypes
import PouchCore
import Testing

@testable import CouchAPI

/// Asks a router what a replicator asked CouchDB, in the same order, and compares the answers.
struct ReplicatorReplay {
  let recording: ReplicatorRecording
  let databases = MemoryDatabases()
  /// PouchDB's own database, for recordings in which one end is there.
  var pulled: PulledDatabase?
  /// How many requests were made.
  private(set) var asked = 0
  private let router: Router
  private let known: ExpectedDifferences
  private var comparison = Comparison(.replication)
  private var cookie: String?
  private var edits: Set<String> = []
  private var waiting: [WaitingFeed] = []

  /// The recording has this in place of the password.
  private static let password = "REDACTED"

  /// A request for changes that is not answered yet.
  private struct WaitingFeed {
    let exchange: RecordedExchange
    let answer: Task<(Response, [UInt8]), any Error>
  }

  init(_ file: String, known: [KnownDifference], databases names: [String]) async throws {
    recording = try ReplicatorRecording(file)
    self.known = ExpectedDifferences(known)
    router = Router(databases, access: AdminAccounts(["admin": Self.password]))
    for name in names { try await databases.create(name) }
  }

  /// Replays the exchanges with one label. Feeds wait meanwhile, as they did.
  mutating func run(_ label: String) async throws {
    defer {
      for feed in waiting { feed.answer.cancel() }
      waiting = []
    }
    let exchanges = recording.exchanges.filter { $0.label == label }
    // What programs wrote before the run is told by its first request for changes.
    for exchange in exchanges where exchange.isFeed && !exchange.isLongpoll { try await edit(toldBy: exchange) }
    for exchange in exchanges {
      try await finishFeeds(before: exchange.started)
      try await ask(exchange)
    }
    try await finishFeeds(before: .max)
    try await pulled?.store()
  }

  /// Writes what programs wrote at the server while it was recorded.
  private mutating func edit(toldBy exchange: RecordedExchange) async throws {
    let database = try await databases.database(exchange.database)
    for document in try recording.editsElsewhere(toldBy: exchange) {
      let key = "\(exchange.database) \(document.id?.text ?? "") \(document.revision?.description ?? "")"
      guard edits.insert(key).inserted else { continue }
      for result in try await database.bulkDocs([document], .replicated) { _ = try result.outcome.get() }
      guard document.attachments["blob.bin"] != nil else { continue }
      let stored = try await database.get(try #require(document.id)).attachments["blob.bin"]
      let digest = try #require(stored?.digest)
      let recorded = recording.attachments.recordedBlobDigest
      _ = comparison.names.accepts("md5-" + recorded, digest, opaque: true)
      _ = comparison.names.accepts(recorded, String(digest.dropFirst("md5-".count)), opaque: true)
    }
  }

  private mutating func ask(_ exchange: RecordedExchange) async throws {
    asked += 1
    let request = try request(exchange)
    if exchange.isBulkWrite, let pulled {
      let sent = (try JSON(parsing: try await request.body.stream.bytes()))["docs"]?.array ?? []
      try await pulled.edit(try sent.map { try Document($0) })
    }
    guard !exchange.isLongpoll else {
      let answer = Task { [router] in
        let response = await router.respond(to: request)
        return (response, try await Self.body(of: response, exchange))
      }
      waiting.append(WaitingFeed(exchange: exchange, answer: answer))
      return
    }
    let response = await router.respond(to: request)
    try check(exchange, response, try await response.body.stream.bytes())
  }

  /// Takes the answers of the feeds that had theirs by some time.
  private mutating func finishFeeds(before time: Int) async throws {
    for feed in waiting where feed.exchange.ended < time {
      if !feed.exchange.isClosedEarly { try await edit(toldBy: feed.exchange) }
      let (response, body) = try await feed.answer.value
      try check(feed.exchange, response, body)
    }
    waiting.removeAll { $0.exchange.ended < time }
  }

  /// The whole body; of a feed that the client left, what comes before it waits.
  private static func body(of response: Response, _ exchange: RecordedExchange) async throws -> [UInt8] {
    guard exchange.isClosedEarly else { return try await response.body.stream.bytes() }
    var body: [UInt8] = []
    var pieces = response.body.stream.makeAsyncIterator()
    while body.count < exchange.responseBody.count, let piece = try await pieces.next() { body += piece }
    return body
  }

  private mutating func check(_ exchange: RecordedExchange, _ response: Response, _ body: [UInt8]) throws {
    known.check(comparison.differences(exchange, response, body), of: exchange)
    if let set = response.headers[.setCookie] { cookie = set.split(separator: ";").first.map(String.init) }
    if response.status.code < 300 { try pulled?.receive(body, to: exchange) }
  }

  // MARK: Requests

  private func request(_ exchange: RecordedExchange) throws -> Request {
    var headers: HTTPFields = [.host: "127.0.0.1:15999"]
    for (name, value) in exchange.headers {
      guard let name = HTTPField.Name(name), name != .host, name != .contentLength else { continue }
      headers[name] = name == .cookie ? cookie : value
    }
    let body = translate(exchange.body)
    headers[.contentLength] = String(body.count)
    let isLogin = exchange.target == "/_session"
    if headers[.cookie] == nil, !isLogin {
      headers[.authorization] = "Basic " + Data("admin:\(Self.password)".utf8).base64EncodedString()
    }
    return try Request(
      #require(HTTPRequest.Method(exchange.method)), target: comparison.names.translate(exchange.target),
      headers: headers, body: body.isEmpty ? .empty : .bytes(body))
  }

  /// A body with our names in it. Only the digest of `blob.bin` stands in one that is no text.
  private func translate(_ body: [UInt8]) -> [UInt8] {
    if let text = String(validating: body, as: UTF8.self) { return Array(comparison.names.translate(text).utf8) }
    let recorded = recording.attachments.recordedBlobDigest
    var data = Data(body)
    if let range = data.range(of: Data(recorded.utf8)) {
      data.replaceSubrange(range, with: Data(comparison.names.translate(recorded).utf8))
    }
    return Array(data)
  }
}
