import PeerPouch

/// A file of 500 MiB by `peerpouch send` to the page of a server, against messages to the same browser over a bare data
/// channel; and the most memory that the page's process has.
struct BrowserFile: Benchmark {
  let name = "browser.file"

  func figures(runs: Int, _ scratch: Scratch) async throws -> [Figure] {
    var (rates, memory, growth): ([Run], [Run], [Run]) = ([], [], [])
    for result in try BrowserProcess.measure("file", ["peerpouch", "RTCTool"], runs: runs) {
      rates.append(Run(try result.number("rate"), peer: try result.number("raw")))
      memory.append(Run(try result.number("memory")))
      growth.append(Run(try result.number("memory") - result.number("before")))
    }
    return [
      Figure(name, rates, unit: "MB/s", against: "bare channel", goal: .ratioAtLeast(0.6)),
      Figure(name + ".memory", memory, unit: "MiB", goal: .below(200)),
      Figure(name + ".growth", growth, unit: "MiB", goal: .none),
    ]
  }
}
