import HTTPTypes
import PouchCore
import Testing

@testable import CouchAPI

struct RequestTests {
  @Test func `a target is read as CouchDB reads it`() throws {
    let request = try Request(.get, target: "/db/_design%2Fa/b+c/?x=%22a%22&y=1+2&x=3&flag")
    #expect(request.path == ["db", "_design/a", "b c"])
    #expect(request.query["x"] == "3")
    #expect(request.query["y"] == "1 2")
    #expect(request.query["flag"]?.isEmpty == true)
    #expect(request.query["z"] == nil)
  }

  @Test(arguments: ["db", "", "/%", "/%4", "/%zz", "/a?%f", "/%ff", "/a?x=%c0%80"])
  func `a target that is no percent-encoded path is refused`(_ target: String) {
    #expect(throws: PouchError.self) { try Request(.get, target: target) }
  }

  @Test func `a request is written so that it reads back the same`() throws {
    let request = Request(.get, ["db", "a/b c", "é+%"], query: ["key": "\"é&=+\"", "limit": "1"])
    let read = try Request(.get, target: request.target)
    #expect(read.path == request.path)
    #expect(read.query == request.query)
    #expect(Request(.get, []).target == "/")
  }
}
