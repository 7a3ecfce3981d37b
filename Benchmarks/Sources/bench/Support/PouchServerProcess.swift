import PeerPouch

/// `peerpouch serve` with a folder of its own.
final class PouchServerProcess {
  private(set) var process: ChildProcess
  private(set) var port: Int
  private let folder: String

  private static let admin = "bench:loopback"
  /// What requests have to say to be let in.
  static let authorization = "Basic YmVuY2g6bG9vcGJhY2s="

  init(folder: String) throws {
    self.folder = folder
    (process, port) = try PouchServerProcess.start(folder)
  }

  private static func start(_ folder: String) throws -> (ChildProcess, port: Int) {
    let process = try ChildProcess(
      "peerpouch", ["serve", "--json", "--quiet", "--port", "0", "--data", folder, "--admin", admin])
    guard let port = try JSON(parsing: process.line())["port"]?.int else {
      throw BareError(message: "The server does not say where it listens.")
    }
    return (process, port)
  }

  /// Ends the server and starts it anew, at another port and with the memory of one that has done nothing yet.
  func restart() throws {
    process.stop()
    (process, port) = try PouchServerProcess.start(folder)
  }

  /// The URL of a database, for our own client.
  /// - Parameter port: another port by which the server is reached.
  func url(_ database: String, port: Int? = nil) -> String {
    "http://\(PouchServerProcess.admin)@127.0.0.1:\(port ?? self.port)/\(database)"
  }

  /// The URL of a database that is public.
  func publicURL(_ database: String) -> String { "http://127.0.0.1:\(port)/\(database)" }

  /// Makes a database that anyone may read and write.
  func makePublic(_ database: String) throws {
    try makeAnew(database)
    let everyone = Array(#"{"admins":{"names":[],"roles":[]},"members":{"names":[],"roles":[]}}"#.utf8)
    _ = try connect().answer("PUT", "/\(database)/_security", everyone, expecting: 200)
  }

  /// A new connection.
  func connect() throws -> RawClient { try RawClient(port: port) }

  /// Makes a database in place of one that may be there.
  func makeAnew(_ database: String) throws {
    let client = try connect()
    _ = try client.answer("DELETE", "/\(database)", expecting: 200, 404)
    _ = try client.answer("PUT", "/\(database)", expecting: 201)
  }

  /// Makes a database of so many sample documents.
  func fill(_ database: String, count: Int, _ ids: SampleDocuments.IDs) throws {
    try makeAnew(database)
    let client = try connect()
    let samples = SampleDocuments(ids: ids)
    for start in stride(from: 0, to: count, by: SampleDocuments.batch) {
      let batch = samples.samples(start..<min(count, start + SampleDocuments.batch))
      _ = try client.answer("POST", "/\(database)/_bulk_docs", bulkBody(batch[...]), expecting: 201)
    }
  }

  func stop() { process.stop() }
}

/// The body of a `_bulk_docs`.
func bulkBody(_ batch: ArraySlice<SampleDocuments.Sample>) -> [UInt8] {
  var body = Array(#"{"docs":["#.utf8)
  for sample in batch {
    if sample.id != batch.first?.id { body.append(UInt8(ascii: ",")) }
    body += sample.json
  }
  return body + "]}".utf8
}
