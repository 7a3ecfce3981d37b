import Foundation
import PeerPouch

/// `GET` of one document by wrk over 16 connections, against a Hummingbird server whose handler answers nothing.
struct DocumentRequests: Benchmark {
  let name = "http.get"

  private let connections = 16
  /// Each server's turn in seconds; wrk takes whole ones.
  private let turn = 3
  private let turns = 2

  func figures(runs: Int, _ scratch: Scratch) async throws -> [Figure] {
    guard let wrk = Wrk() else {
      FileHandle.standardError.write(Data("\(name) is left out: it needs wrk (apt-get install wrk).\n".utf8))
      return []
    }
    return try await scratch.withServer { server in
      try server.fill("notes", count: 1000, .sequential)
      let document = SampleDocuments(ids: .sequential).id(500)
      let empty = try ChildProcess("emptyserver", [])
      defer { empty.stop() }
      guard let emptyPort = Int(try empty.line()) else { throw BareError(message: "The empty server names no port.") }
      var results: [Run] = []
      for _ in 0..<runs {
        var (rate, peer) = (0.0, 0.0)
        for _ in 0..<turns {
          peer += try wrk.rate(of: "http://127.0.0.1:\(emptyPort)/", connections: connections, seconds: turn)
          rate += try wrk.rate(
            of: "http://127.0.0.1:\(server.port)/notes/\(document)", connections: connections, seconds: turn)
        }
        results.append(Run(rate / Double(turns), peer: peer / Double(turns)))
      }
      return [
        Figure(name, results, unit: "requests/s", against: "empty Hummingbird handler", goal: .ratioAtLeast(0.5))
      ]
    }
  }
}

/// The load generator of that name.
private struct Wrk {
  private let path: String

  /// - Returns: `nil` if it is not installed.
  init?() {
    let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
    guard let path = folders.map({ $0 + "/wrk" }).first(where: FileManager.default.isExecutableFile(atPath:)) else {
      return nil
    }
    self.path = path
  }

  /// Requests per second.
  func rate(of url: String, connections: Int, seconds: Int) throws -> Double {
    let process = try ChildProcess(
      path: path,
      [
        "--threads", "1", "--connections", String(connections), "--duration", "\(seconds)s",
        "--header", "Authorization: \(PouchServerProcess.authorization)", url,
      ])
    let lines = try process.finish().split(separator: "\n").map { $0.drop { $0 == " " } }
    if let failure = lines.first(where: { $0.hasPrefix("Non-2xx") || $0.hasPrefix("Socket errors") }) {
      throw BareError(message: "\(url): \(failure)")
    }
    let rate = lines.first { $0.hasPrefix("Requests/sec:") }?.split(separator: " ").last.flatMap { Double($0) }
    guard let rate else { throw BareError(message: "wrk tells no rate.") }
    return rate
  }
}
