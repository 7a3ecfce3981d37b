import CouchAPI
import PouchCore
import PouchHTTP

/// A database with the connections that were made for it.
struct OpenedDatabase: Sendable {
  let database: any Database
  let carrier: HTTPCarrier?

  init(database: any Database, carrier: HTTPCarrier?) {
    self.database = database
    self.carrier = carrier
  }

  /// A database at a URL without credentials; nothing is sent yet.
  init(url: String, credentials: RemoteCredentials?) throws(PouchError) {
    let (server, name) = try HTTPCarrier.split(databaseURL: url)
    let carrier = try HTTPCarrier(server)
    self.carrier = carrier
    database = RemoteDatabase(carrier: carrier, path: [name], name: url, credentials: credentials)
  }

  /// Takes the user and password out of a URL.
  static func separate(_ url: String) throws(PouchError) -> (url: String, credentials: RemoteCredentials?) {
    let carrier = try HTTPCarrier(url)
    return (
      carrier.url,
      carrier.credentials.map { .basic(name: $0.user, password: $0.password) }
    )
  }

  func createIfMissing() async throws {
    try await (database as? RemoteDatabase)?.createIfMissing()
  }

  /// Ends the connections. A database without any is somebody else's to close.
  func close() async {
    guard let carrier else { return }
    try? await database.close()
    await carrier.close()
  }
}
