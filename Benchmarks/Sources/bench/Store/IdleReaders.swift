import PeerPouch

/// A thousand live changes feeds that wait: the processor time they take in two seconds, and the memory of each.
struct IdleReaders: Benchmark {
  let name = "store.readers"

  private let readers = 1_000
  private let watched = 2.0

  func figures(runs: Int, _ scratch: Scratch) async throws -> [Figure] {
    var processor: [Run] = []
    var memory: [Run] = []
    for _ in 0..<runs {
      let (seconds, bytes) = try await scratch.withFile("store.pouch") { try await watch($0) }
      processor.append(Run(seconds * 1_000))
      memory.append(Run(Double(bytes) / 1024 / Double(readers)))
    }
    return [
      // What the measuring itself takes, a timer that fires once, is below a millisecond.
      Figure(name + ".cpu", processor, unit: "ms in 2 s", goal: .below(2)),
      Figure(name + ".memory", memory, unit: "KiB each", goal: .below(20)),
    ]
  }

  private func watch(_ path: String) async throws -> (processor: Double, memory: Int) {
    let database = try LocalDatabase(path: path)
    try await database.put(["_id": "first", "text": "something to read"])
    // One feed before, so that what all of them share is there.
    let warmUp = Task { try await drain(database) }
    try await Task.sleep(for: .milliseconds(200))
    ProcessUsage.settle()
    let before = ProcessUsage.residentBytes
    let feeds = (0..<readers).map { _ in Task { try await drain(database) } }
    try await Task.sleep(for: .seconds(1))
    let memory = ProcessUsage.residentBytes - before
    let start = ProcessUsage.processorSeconds
    try await Task.sleep(for: .seconds(watched))
    let processor = ProcessUsage.processorSeconds - start
    for feed in feeds + [warmUp] { feed.cancel() }
    for feed in feeds + [warmUp] {
      guard try await feed.value == 1 else { throw BareError(message: "A feed has missed its change.") }
    }
    try await database.close()
    return (processor, max(0, memory))
  }

  /// Follows the changes until it is cancelled.
  /// - Returns: how many there were.
  private func drain(_ database: LocalDatabase) async throws -> Int {
    var count = 0
    for try await _ in database.changes(.live) { count += 1 }
    return count
  }
}
