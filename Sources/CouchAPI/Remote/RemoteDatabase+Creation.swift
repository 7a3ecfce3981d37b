import HTTPTypes
import PouchCore

extension RemoteDatabase {
  /// Makes the database unless it is there.
  /// - Throws: ``PouchError/Code/unauthorized`` or ``PouchError/Code/forbidden`` if it is missing and may not be made.
  @concurrent
  public func createIfMissing() async throws {
    try checkOpen()
    guard try await !isThere() else { return }
    do {
      _ = try await client.answer(to: request(.put, []), .harmful)
    } catch let error as PouchError where error.code == .databaseExists {
      // Somebody else was faster.
    }
  }

  private func isThere() async throws -> Bool {
    do {
      _ = try await client.answer(to: request(.get, []), .harmless)
      return true
    } catch let error as PouchError where error.code == .notFound {
      return false
    }
  }
}
