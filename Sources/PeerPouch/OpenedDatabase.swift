import CouchAPI
import PouchCore
import PouchHTTP

/// A database, and whether whoever opened it shall close it.
struct OpenedDatabase: Sendable {
  let database: any Database
  private let ownership: CarrierOwnership

  /// A database that others use too.
  init(shared database: any Database) {
    self.database = database
    ownership = .shared
  }

  /// A database at a URL without credentials; nothing is sent yet.
  init(url: String, credentials: RemoteCredentials?) throws(PouchError) {
    let (server, name) = try HTTPCarrier.split(databaseURL: url)
    var configuration = HTTPCarrierConfiguration()
    // How long an answer may take depends on the question, which the database knows: compacting takes its time.
    configuration.answerTimeout = nil
    database = RemoteDatabase(
      carrier: DatingCarrier(try HTTPCarrier(server, configuration: configuration)), .own, path: [name], name: url,
      credentials: credentials)
    ownership = .own
  }

  /// Takes the user and password out of a URL.
  static func separate(_ url: String) throws(PouchError) -> (url: String, credentials: RemoteCredentials?) {
    let carrier = try HTTPCarrier(url)
    return (carrier.url, carrier.credentials.map { .basic(name: $0.user, password: $0.password) })
  }

  /// Makes a remote database unless it is there.
  func createIfMissing() async throws {
    try await (database as? RemoteDatabase)?.createIfMissing()
  }

  func close() async {
    if ownership == .own { try? await database.close() }
  }
}
