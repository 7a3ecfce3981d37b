import PouchCore

extension Router {
  /// `POST /db/_find`.
  func find(_ context: DatabaseContext) async throws -> Response {
    throw PouchError(.notImplemented)
  }

  /// `POST /db/_explain`.
  func explain(_ context: DatabaseContext) async throws -> Response {
    throw PouchError(.notImplemented)
  }
}
