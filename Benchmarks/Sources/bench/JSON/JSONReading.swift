import PeerPouch

/// Reading JSON of 300 bytes on one core: as checked, minified text, and as a document with its id taken out.
struct JSONReading: Benchmark {
  let name = "json.read"

  private let count = 10_000
  private let rounds = 30

  func figures(runs: Int, _ scratch: Scratch) async throws -> [Figure] {
    let texts = SampleDocuments(ids: .random).samples(0..<count).map(\.json)
    var plain: [Run] = []
    var documents: [Run] = []
    for _ in 0..<runs {
      plain.append(Run(try await rate(of: texts) { try JSONText($0).bytes.count }))
      documents.append(Run(try await rate(of: texts) { try Document(parsing: $0).body.bytes.count }))
    }
    return [
      Figure(name, plain, unit: "MB/s", goal: .atLeast(200)),
      Figure(name + ".document", documents, unit: "MB/s", goal: .atLeast(200)),
    ]
  }

  /// Megabytes (10⁶) per second.
  private func rate(of texts: [[UInt8]], _ read: ([UInt8]) throws -> Int) async throws -> Double {
    var bytes = 0
    let time = try await seconds {
      for _ in 0..<rounds {
        for text in texts { bytes += try read(text) }
      }
    }
    precondition(bytes > 0)
    return Double(rounds * count * SampleDocuments.size) / time / 1_000_000
  }
}
