import PeerPouch

/// `_changes?include_docs=true` over 100,000 documents in one response, against a bare `SELECT` of the same rows.
struct ChangesRequests: Benchmark {
  let name = "http.changes"

  private let count = 100_000
  private let turns = 3

  func figures(runs: Int, _ scratch: Scratch) async throws -> [Figure] {
    try await scratch.withFile("store.pouch") { path in
      try await LocalDatabase.filled(path, count: count).close()
      return try await scratch.withServer { server in
        try server.fill("notes", count: count, .random)
        let client = try server.connect()
        var results: [Run] = []
        for _ in 0..<runs {
          let times = try await alternating(turns: turns) { _ in
            try read(client)
          } against: { _ in
            guard try BareLoops.readChanges(of: path) == count else { throw BareError(message: "Rows are missing.") }
          }
          results.append(Run(turns * count, in: times))
        }
        return [Figure(name, results, unit: "docs/s", against: "bare SELECT", goal: .atLeast(100_000))]
      }
    }
  }

  private func read(_ client: RawClient) throws {
    try client.send(RawClient.head("GET", "/notes/_changes?include_docs=true"))
    var lines = 0
    let status = try client.receive { piece in lines += piece.count { $0 == UInt8(ascii: "\n") } }
    // A line each, one before and two after them.
    guard status == 200, lines == count + 3 else {
      throw BareError(message: "The feed was answered with \(status) and \(lines) lines.")
    }
  }
}
