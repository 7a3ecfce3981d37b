import Foundation
import Testing
import WebRTC

/// Alone, for it counts what the whole process has.
@Suite("Leaks", .serialized)
struct LeakTests {
  @Test func `five hundred connections leave nothing behind`() async throws {
    // The first ones fill caches, and start the engine.
    for _ in 0..<50 { try await talk() }
    let before = try ProcessUse()
    for _ in 0..<500 { try await talk() }
    let after = try await ProcessUse.settled(like: before)
    #expect(after.descriptors <= before.descriptors, "\(before) \(after)")
    #expect(after.threads <= before.threads + 2, "\(before) \(after)")
    // 8 KiB a connection would be a leak; what allocators keep is less.
    #expect(after.residentBytes < before.residentBytes + 500 * 8 * 1024, "\(before) \(after)")
  }

  private func talk() async throws {
    let (pair, here, there) = try await Pair.connected()
    try await here.send("hello")
    #expect(try await there.next() == .text("hello"))
    if Bool.random() { await here.close() }
    await pair.close()
  }
}

/// What a process has of the system's.
struct ProcessUse: CustomStringConvertible {
  var descriptors: Int
  var threads: Int
  var residentBytes: Int

  init() throws {
    let files = FileManager.default
    descriptors = try files.contentsOfDirectory(atPath: "/proc/self/fd").count
    threads = try files.contentsOfDirectory(atPath: "/proc/self/task").count
    let pages = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")[1]
    residentBytes = try #require(Int(pages)) * Int(sysconf(Int32(_SC_PAGESIZE)))
  }

  /// The use once sockets that are closed in the background are: within some seconds.
  static func settled(like before: ProcessUse) async throws -> ProcessUse {
    for _ in 0..<50 {
      let now = try ProcessUse()
      if now.descriptors <= before.descriptors { return now }
      try await Task.sleep(for: .milliseconds(100))
    }
    return try ProcessUse()
  }

  var description: String { "\(descriptors) descriptors, \(threads) threads, \(residentBytes / 1024) KiB" }
}
