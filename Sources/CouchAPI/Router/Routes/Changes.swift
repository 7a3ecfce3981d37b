import HTTPTypes
import PouchCore

extension Router {
  /// `GET` and `POST /db/_changes`
  func changes(_ context: DatabaseContext) async throws -> Response {
    try await context.authorize(.readChanges)
    try context.allow(.get, .post, .head)
    var body: JSON = [:]
    if context.request.method == .post {
      try context.request.requireJSON()
      body = try await context.request.jsonObject(upTo: context.limits.requestBody)
    }
    var parameters = try await ChangesParameters(context, body: body)
    let database = context.database
    if case .now = parameters.query.start {
      parameters.query.start = .after(try await database.info().updateSequence)
    }
    let writer = ChangesWriter(parameters, database)
    switch parameters.feed {
    case .normal: return try await .streaming(writer)
    case .longpoll, .continuous: return .live(writer, headers: [.contentType: Response.jsonType])
    case .eventsource:
      return .live(writer, headers: [.contentType: "text/event-stream", .cacheControl: "no-cache"])
    }
  }
}

/// What `_changes` is asked for.
struct ChangesParameters: Sendable {
  /// How the feed is written, and when it ends.
  enum Feed: Sendable, Hashable {
    /// What there is.
    case normal
    /// What there is, or the first that comes.
    case longpoll
    /// A line for each change, as long as the client stays.
    case continuous
    /// The same as server-sent events.
    case eventsource
  }

  /// Which changes are delivered, beyond what the database itself selects.
  enum Selection: Sendable, Hashable {
    case all
    case designDocuments
  }

  var feed = Feed.normal
  var query = ChangesQuery()
  var selection = Selection.all
  /// A sequence is told with every n-th change only; with each when 1.
  var sequenceInterval = 1
  /// How long to wait for a change before the feed ends, or a heartbeat is sent.
  var patience = FeedTuning.timeout
  /// Whether waiting in vain keeps the connection alive, or ends the feed.
  var isKeptAlive = false
  var attachments: AttachmentForms

  /// - Throws: ``PouchError``.
  init(_ context: DatabaseContext, body: JSON) async throws {
    let request = context.request
    let parameters = request.query
    attachments = AttachmentForms(parameters)
    feed = try Self.feed(parameters["feed"])
    query.feed = .once
    query.limit = try parameters.count("limit")
    query.style = try Self.style(parameters["style"])
    if try parameters.boolean("descending") == true {
      query.order = .descending
      feed = .normal
    }
    let since = parameters["since"] ?? parameters["last-event-id"] ?? request.headers[.lastEventID]
    query.start = try Self.start(since)
    query.rows = try Self.rows(parameters)
    sequenceInterval = max(1, try parameters.count("seq_interval") ?? 1)
    try readPatience(parameters)
    try await readFilter(parameters, body, context)
  }

  private static func feed(_ text: String?) throws(PouchError) -> Feed {
    switch text {
    case nil, "normal": .normal
    case "longpoll": .longpoll
    case "continuous", "live": .continuous
    case "eventsource": .eventsource
    default:
      throw PouchError(.badRequest, "Supported `feed` types: normal, continuous, live, longpoll, eventsource")
    }
  }

  private static func style(_ text: String?) throws(PouchError) -> ChangesQuery.Style {
    switch text {
    case nil, "main_only": .winner
    case "all_docs": .allLeaves
    case let text?: throw PouchError(.queryParseError, "Invalid value for style: \(JSON(text).text)")
    }
  }

  private static func rows(_ parameters: Query) throws(PouchError) -> ChangesQuery.Rows {
    guard try parameters.boolean("include_docs") == true else { return .idsOnly }
    var parts: DocumentParts = []
    if try parameters.boolean("conflicts") == true { parts.insert(.conflicts) }
    if try parameters.boolean("attachments") == true { parts.insert(.attachments) }
    return .documents(parts)
  }

  /// `0`, `now`, or a number and a dash with more behind it. Browsers send event ids back with their quotes.
  private static func start(_ text: String?) throws(PouchError) -> ChangesQuery.Start {
    guard var text = text.map({ Substring($0) }) else { return .beginning }
    if text.count >= 2, text.first == "\"", text.last == "\"" { text = text.dropFirst().dropLast() }
    switch text {
    case "now": return .now
    case "0", "": return .beginning
    default:
      guard let dash = text.utf8.firstIndex(of: 0x2D), dash > text.startIndex,
        text[..<dash].utf8.allSatisfy({ (0x30...0x39).contains($0) })
      else { throw PouchError(.badRequest, "Malformed sequence supplied in 'since' parameter.") }
      return .after(UpdateSequence(String(text)))
    }
  }

  private mutating func readPatience(_ parameters: Query) throws(PouchError) {
    if let text = parameters["heartbeat"], text != "false" {
      isKeptAlive = true
      guard text != "true" else { return }
      guard let milliseconds = Int(text), milliseconds > 0 else {
        throw PouchError(
          .badRequest, "The heartbeat value should be a positive integer (in milliseconds).")
      }
      let interval = Duration.milliseconds(min(milliseconds, FeedTuning.longestWait))
      patience = max(FeedTuning.shortestHeartbeat, min(FeedTuning.timeout, interval))
    } else if let milliseconds = try parameters.count("timeout") {
      patience = min(FeedTuning.timeout, .milliseconds(min(milliseconds, FeedTuning.longestWait)))
    }
  }

  private mutating func readFilter(_ parameters: Query, _ body: JSON, _ context: DatabaseContext) async throws {
    switch parameters["filter"] {
    case nil: break
    case "_doc_ids":
      guard let list = try (body["doc_ids"] ?? parameters.json("doc_ids"))?.array else {
        throw PouchError(.badRequest, "`doc_ids` filter parameter is not a list.")
      }
      query.ids = Set(list.compactMap { $0.string.map { DocumentID($0) } })
    case "_selector":
      guard let selector = body["selector"] else {
        throw PouchError(.badRequest, "Selector must be specified in POST payload")
      }
      query.selector = try Selector(selector, limits: context.limits.selector)
    case "_design": selection = .designDocuments
    case "_view": throw PouchError(.notImplemented)
    case let name?:
      let parts = name.split(separator: "/", omittingEmptySubsequences: false)
      guard parts.count == 2 else {
        throw PouchError(.badRequest, "`filter` must be of the form `designname/filtername`")
      }
      _ = try await context.database.get(DocumentID("_design/\(parts[0])"), GetOptions())
      throw PouchError(.notImplemented, "Filters in design documents are not run here; use a selector.")
    }
  }
}

extension HTTPField.Name {
  fileprivate static let lastEventID = Self("Last-Event-ID")!
}

/// Times of feeds, each with its reason.
enum FeedTuning {
  /// How long a feed waits at most before it ends or shows that it lives: CouchDB's `changes_timeout`, and as long as
  /// most proxies let a connection be silent.
  static let timeout = Duration.seconds(60)
  /// The shortest time between heartbeats: a client cannot make the server send all the time.
  static let shortestHeartbeat = Duration.milliseconds(100)
  /// The longest wait in milliseconds that is read as it stands; ``timeout`` is far below.
  static let longestWait = 86_400_000
}
