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

  @Test func `separators count as bytes, whatever characters they would make with what follows`() throws {
    let request = try Request(.get, target: "/a/\u{301}b?\u{301}x=1&y\u{301}=\u{301}2&\u{301}z=3")
    #expect(request.path == ["a", "\u{301}b"])
    #expect(request.query.items.map(\.name) == ["\u{301}x", "y\u{301}", "\u{301}z"])
    #expect(request.query.items.map(\.value) == ["1", "\u{301}2", "3"])
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
