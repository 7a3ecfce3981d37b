import HTTPTypes
import PouchCore

extension Router {
  func welcome(_ c: Context) async throws -> Response { throw PouchError(.notImplemented) }
  func allDatabases(_ c: Context) async throws -> Response { throw PouchError(.notImplemented) }
  func databasesInfo(_ c: Context) async throws -> Response { throw PouchError(.notImplemented) }
  func up(_ c: Context) async throws -> Response { throw PouchError(.notImplemented) }
  func uuids(_ c: Context) async throws -> Response { throw PouchError(.notImplemented) }
  func session(_ c: Context) async throws -> Response { throw PouchError(.notImplemented) }
  func activeTasks(_ c: Context) async throws -> Response { throw PouchError(.notImplemented) }
  func replicate(_ c: Context) async throws -> Response { throw PouchError(.notImplemented) }
  func database(_ name: String, _ c: Context) async throws -> Response { throw PouchError(.notImplemented) }
  var favicon: Response { Response(.notFound) }
  func allDocs(_ c: DatabaseContext) async throws -> Response { throw PouchError(.notImplemented) }
  func allDocsQueries(_ c: DatabaseContext) async throws -> Response { throw PouchError(.notImplemented) }
  func designDocs(_ c: DatabaseContext) async throws -> Response { throw PouchError(.notImplemented) }
  func designDocsQueries(_ c: DatabaseContext) async throws -> Response { throw PouchError(.notImplemented) }
  func localDocs(_ c: DatabaseContext) async throws -> Response { throw PouchError(.notImplemented) }
  func bulkDocs(_ c: DatabaseContext) async throws -> Response { throw PouchError(.notImplemented) }
  func bulkGet(_ c: DatabaseContext) async throws -> Response { throw PouchError(.notImplemented) }
  func changes(_ c: DatabaseContext) async throws -> Response { throw PouchError(.notImplemented) }
  func revsDiff(_ c: DatabaseContext) async throws -> Response { throw PouchError(.notImplemented) }
  func missingRevs(_ c: DatabaseContext) async throws -> Response { throw PouchError(.notImplemented) }
  func revsLimit(_ c: DatabaseContext) async throws -> Response { throw PouchError(.notImplemented) }
  func compact(_ c: DatabaseContext) async throws -> Response { throw PouchError(.notImplemented) }
  func purge(_ c: DatabaseContext) async throws -> Response { throw PouchError(.notImplemented) }
  func ensureFullCommit(_ c: DatabaseContext) async throws -> Response { throw PouchError(.notImplemented) }
  func security(_ c: DatabaseContext) async throws -> Response { throw PouchError(.notImplemented) }
  func local(_ id: DocumentID, _ c: DatabaseContext) async throws -> Response { throw PouchError(.notImplemented) }
  func document(_ id: DocumentID, _ c: DatabaseContext) async throws -> Response { throw PouchError(.notImplemented) }
}
