public import HTTPTypes
public import PouchCore

/// A request of CouchDB's HTTP API as a value, whatever carries it.
public struct Request: Sendable {
  public var method: HTTPRequest.Method
  /// The segments of the path, percent-decoded: `/db/_design%2Fa` is `["db", "_design/a"]`; `/` has none.
  public var path: [String]
  public var query: Query
  public var headers: HTTPFields
  public var body: Body

  public init(
    _ method: HTTPRequest.Method, _ path: [String], query: Query = Query(), headers: HTTPFields = [:],
    body: Body = .empty
  ) {
    self.method = method
    self.path = path
    self.query = query
    self.headers = headers
    self.body = body
  }

  /// A request as it stands in a request line.
  /// - Parameter target: the path and query in origin form (RFC 9112, section 3.2.1), such as `/db/_all_docs?limit=1`.
  /// - Throws: ``PouchError/Code/badRequest`` if the path does not begin with a slash or is no percent-encoded UTF-8.
  public init(
    _ method: HTTPRequest.Method, target: String, headers: HTTPFields = [:], body: Body = .empty
  ) throws(PouchError) {
    let mark = target.utf8.firstIndex(of: 0x3F)
    self.init(
      method, try PercentCoding.segments(of: target[..<(mark ?? target.endIndex)]),
      query: try mark.map { mark throws(PouchError) in try Query(parsing: target[target.utf8.index(after: mark)...]) }
        ?? Query(),
      headers: headers, body: body)
  }

  /// The path and query in origin form, percent-encoded.
  public var target: String {
    let path = self.path.map { "/" + PercentCoding.encodeSegment($0) }.joined()
    return (path.isEmpty ? "/" : path) + (query.isEmpty ? "" : "?" + query.description)
  }
}
