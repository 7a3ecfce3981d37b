import PeerPouch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// `peerpouch replicate`, run to its end.
enum ReplicateCommand {
  /// - Parameters:
  ///   - expected: how many documents it has to copy.
  ///   - environment: variables of it that differ from those of this process.
  /// - Returns: the seconds that the command takes as a whole.
  static func time(
    _ source: String, _ target: String, expecting expected: Int, _ environment: [String: String] = [:]
  ) async throws -> Double {
    try await seconds { try check(start(source, target, environment).finish(), expected) }
  }

  /// - Returns: the seconds, and the most resident memory of the command in bytes.
  static func peakMemory(
    _ source: String, _ target: String, expecting expected: Int
  ) async throws -> (seconds: Double, bytes: Int) {
    var peak = 0
    let time = try await seconds {
      let process = try start(source, target)
      while true {
        let now = ProcessUsage.peakBytes(of: process.identifier)
        // A process that has ended has no memory any more.
        guard now > 0 else { break }
        peak = max(peak, now)
        usleep(sampling)
      }
      try check(process.finish(), expected)
    }
    return (time, peak)
  }

  /// How often the memory is looked at, in microseconds. The system keeps the peak in between.
  private static let sampling: UInt32 = 20_000

  private static func start(
    _ source: String, _ target: String, _ environment: [String: String] = [:]
  ) throws -> ChildProcess {
    try ChildProcess("peerpouch", ["replicate", "--json", "--quiet", source, target], environment: environment)
  }

  private static func check(_ output: String, _ expected: Int) throws {
    let written = try JSON(parsing: output)["docs_written"]?.int
    guard written == expected else {
      throw BareError(message: "Of \(expected) documents \(written ?? 0) were copied: \(output)")
    }
  }
}
