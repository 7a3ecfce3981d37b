import PouchCore

extension Router {
  /// `GET`, `HEAD`, `PUT` and `DELETE` of `/db/doc/attachment`.
  func attachment(_ name: String, of id: DocumentID, _ context: DatabaseContext) async throws -> Response {
    throw PouchError(.notImplemented)
  }
}
