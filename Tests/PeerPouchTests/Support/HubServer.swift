import CouchAPI
import HTTPTypes
import PouchCore
import PouchStore
import Synchronization

@testable import PeerPouch

/// A hub behind CouchDB's API, without sockets: it tells a date, can be down, and can be evil.
final class HubServer: Carrier {
  private struct State {
    var around: Around?
    var isDown = false
    var date = machineDate()
    var tamper: (@Sendable (String) -> String)?
  }

  /// What happens to a request: the second parameter has it answered.
  typealias Around = @Sendable (Request, () async throws -> Response) async throws -> Response

  let database: LocalDatabase
  private let router: Router
  private let state = Mutex(State())

  init() throws {
    database = try LocalDatabase.inMemory()
    router = Router(OneDatabase(database: database), access: AdminParty())
  }

  /// The hub as a client sees it.
  func client() -> RemoteDatabase {
    var options = RemoteOptions()
    options.repetitions = 0
    return RemoteDatabase(
      carrier: DatingCarrier(self), path: ["hub"], name: "http://hub.test/hub", options: options)
  }

  /// Has requests go another way than straight to the database; `nil` ends it.
  func around(_ around: Around?) { state.withLock { $0.around = around } }

  func setDown(_ isDown: Bool) { state.withLock { $0.isDown = isDown } }
  func setDate(_ date: Int) { state.withLock { $0.date = date } }
  /// Changes the texts of answers; `nil` for none.
  func tamper(_ change: (@Sendable (String) -> String)?) { state.withLock { $0.tamper = change } }

  func send(_ request: Request) async throws -> Response {
    guard let around = state.withLock(\.around) else { return try await answer(request) }
    return try await around(request) { try await self.answer(request) }
  }

  private func answer(_ request: Request) async throws -> Response {
    if state.withLock(\.isDown) { throw PouchError(.unreachable, "The hub is down.") }
    var response = await router.respond(to: request)
    if state.withLock(\.isDown) { throw PouchError(.badResponse, "The hub went down.") }
    response.headers[.date] = HTTPDate.text(of: state.withLock(\.date))
    if let tamper = state.withLock(\.tamper) {
      let text = String(decoding: try await response.body.collect(upTo: 1 << 24), as: UTF8.self)
      response.headers[.contentLength] = nil
      response.body = .bytes(Array(tamper(text).utf8))
    }
    return response
  }

  func close() async {}
}

private struct OneDatabase: DatabaseSet {
  let database: LocalDatabase

  func names() async throws -> [String] { ["hub"] }
  func database(_ name: String) async throws -> any Database {
    guard name == "hub" else { throw PouchError(.notFound, "Database does not exist.") }
    return database
  }
  func create(_ name: String) async throws { throw PouchError(.databaseExists) }
  func destroy(_ name: String) async throws { throw PouchError(.forbidden) }
  func security(of name: String) async throws -> JSON { [:] }
  func setSecurity(_ security: JSON, of name: String) async throws {}
}

extension String {
  /// The text with the tenth character of the values of a JSON member replaced by another one of base64url.
  func flipping(_ member: String) -> String {
    var parts = components(after: "\"\(member)\":\"")
    for index in parts.indices.dropFirst() {
      var characters = Array(parts[index])
      guard characters.count > 10 else { continue }
      characters[9] = characters[9] == "A" ? "B" : "A"
      parts[index] = String(characters)
    }
    return parts.joined(separator: "\"\(member)\":\"")
  }

  private func components(after separator: String) -> [String] { split(separator: separator).map(String.init) }
}
