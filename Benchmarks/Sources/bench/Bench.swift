import ArgumentParser
import Foundation

/// Runs benchmarks and prints their figures; see `scripts/bench`.
@main
struct Bench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measures PeerPouch, against bare SQLite and the like in the same run.")

  @Argument(help: "What to run: names, or beginnings of names such as `store.bulk`. Everything when left out.")
  var names: [String] = []

  @Flag(help: "Print one line of JSON per figure.")
  var json = false

  @Flag(help: "List the names.")
  var list = false

  @Option(help: "How often each benchmark runs; figures are medians.")
  var runs = 3

  @Option(help: "The folder in which a temporary folder for data is made. It should be on the disk to be measured.")
  var dir = "."

  func validate() throws {
    guard runs >= 1 else { throw ValidationError("--runs must be at least 1.") }
    for name in names where !Catalogue.all.contains(where: { $0.name.hasPrefix(name) }) {
      throw ValidationError("There is no benchmark '\(name)'; --list shows them.")
    }
  }

  func run() async throws {
    let chosen = Catalogue.all.filter { benchmark in
      names.isEmpty || names.contains { benchmark.name.hasPrefix($0) }
    }
    if list {
      for benchmark in chosen { print(benchmark.name) }
      return
    }
    let scratch = try Scratch(in: dir)
    defer { scratch.remove() }
    var report = Report(form: json ? .lines : .table)
    for benchmark in chosen {
      for figure in try await benchmark.figures(runs: runs, scratch) { report.add(figure) }
    }
    report.finish()
  }
}

/// All benchmarks, in the order in which they run.
enum Catalogue {
  static let all: [any Benchmark] = [
    BulkWrites(ids: .sequential, goal: 0.5),
    BulkWrites(ids: .random, goal: 0.6),
    BulkGrowth(),
    ConcurrentPuts(),
    ChangesReading(),
    Gets(),
    Attachments(),
    IdleReaders(),
    JSONReading(),
    BulkRequests(),
    ChangesRequests(),
    DocumentRequests(),
    WaitingFeeds(),
    ReplicationSpeed(),
    ReplicationIdle(),
    ReplicationDelayed(),
    ReplicationAttachments(),
    ReplicationLarge(),
    ChannelSpeed(name: "channel.bare", size: 16384, peer: .bare),
    ChannelSpeed(name: "channel.64k", size: 65536, peer: .bare),
    ChannelSpeed(name: "channel.aiortc", size: 16384, peer: .aiortc),
    ChannelSpeed(name: "channel.64k.aiortc", size: 65536, peer: .aiortc),
    ChannelLargePackets(),
    ChannelRoundTrip(),
    ChannelSetUp(),
    ChannelDelayed(roundTrip: 50),
    ChannelDelayed(roundTrip: 100),
    PeerOpening(),
    PeerGet(),
    PeerGets(),
    PeerReplication(),
    PeerReplicationDelayed(),
    PeerAttachments(),
    SendFile(),
    BrowserListing(),
    BrowserFile(),
  ]
}
