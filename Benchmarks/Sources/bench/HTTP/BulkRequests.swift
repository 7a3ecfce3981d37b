import PeerPouch

/// `_bulk_docs` of new documents over one connection, each request sent when the last one was answered, against a bare
/// loop that writes the same documents. The requests' bytes are made before.
struct BulkRequests: Benchmark {
  let name = "http.bulk"

  private let count = 200_000
  /// How many documents each writes before it is the other's turn.
  private let turn = 10_000

  func figures(runs: Int, _ scratch: Scratch) async throws -> [Figure] {
    let samples = SampleDocuments(ids: .sequential).samples(0..<count)
    let batches = stride(from: 0, to: count, by: SampleDocuments.batch).map { start in
      samples[start..<start + SampleDocuments.batch]
    }
    let requests = batches.map { batch in
      let body = bulkBody(batch)
      return RawClient.head("POST", "/notes/_bulk_docs", length: body.count) + body
    }
    let perTurn = turn / SampleDocuments.batch
    var results: [Run] = []
    for _ in 0..<runs {
      results.append(
        try await scratch.withFile("bare.sqlite") { barePath in
          try await scratch.withServer { server in
            try server.makeAnew("notes")
            let client = try server.connect()
            var bare = try BareLoops.Writer(barePath)
            let times = try await alternating(turns: count / turn) { number in
              for request in requests[number * perTurn..<(number + 1) * perTurn] { try write(request, client) }
            } against: { number in
              for batch in batches[number * perTurn..<(number + 1) * perTurn] { try bare.write(batch) }
            }
            return Run(count, in: times)
          }
        })
    }
    return [Figure(name, results, unit: "docs/s", against: "bare loop", goal: .ratioAtLeast(0.35))]
  }

  private func write(_ request: [UInt8], _ client: RawClient) throws {
    try client.send(request)
    var results = 0
    let status = try client.receive { piece in results += piece.count { $0 == UInt8(ascii: "{") } }
    guard status == 201, results == SampleDocuments.batch else {
      throw BareError(message: "A batch was answered with \(status) and \(results) results.")
    }
  }
}
