import HTTPTypes
import PouchCore
import Testing

@testable import CouchAPI

/// What is answered where CouchDB has views and other things that are not here.
struct ViewRouteTests {
  private func server() async throws -> Server {
    let server = try await Server.withDatabase()
    _ = try await server.json(.put, "/db/_design/d", #"{"views":{"v":{"map":"function(doc) {}"}}}"#)
    return server
  }

  @Test func `views are not implemented, and those of missing design documents are missing`() async throws {
    let server = try await server()
    #expect(try await server.send(.get, "/db/_design/d/_view/v").status == .notImplemented)
    #expect(try await server.json(.get, "/db/_design/x/_view/v")["error"] == "not_found")
  }

  @Test func `the views of a design document are compacted by doing nothing`() async throws {
    let server = try await server()
    let done = try await server.send(.post, "/db/_compact/d", "{}")
    #expect(done.status == .accepted)
    #expect(try await done.json() == ["ok": true])
    #expect(try await server.json(.post, "/db/_compact/x", "{}")["error"] == "not_found")
  }

  @Test func `temporary views are gone`() async throws {
    let server = try await server()
    let answer = try await server.send(.post, "/db/_temp_view", #"{"map":"function(doc) {}"}"#)
    #expect(answer.status == .gone)
    #expect(
      try await answer.json() == ["error": "gone", "reason": "Temporary views are not supported in CouchDB"])
  }

  @Test(arguments: [
    "/_membership", "/_utils", "/_node/_local", "/_scheduler/jobs", "/_cluster_setup", "/_users",
    "/_users/org.couchdb.user:jan", "/_replicator", "/_db_updates", "/_search_analyze",
  ])
  func `parts of CouchDB's server that are not here are not implemented`(_ target: String) async throws {
    #expect(try await server().send(.get, target).status == .notImplemented)
  }

  @Test func `a partitioned database is not made as if it were another one`() async throws {
    let server = try await server()
    #expect(try await server.send(.put, "/new?partitioned=true").status == .notImplemented)
    #expect(try await server.send(.get, "/new").status == .notFound)
    #expect(try await server.send(.put, "/db?partitioned=true").status == .preconditionFailed)
    #expect(try await server.send(.put, "/new?partitioned=false&q=2&n=1").status == .created)
  }
}
