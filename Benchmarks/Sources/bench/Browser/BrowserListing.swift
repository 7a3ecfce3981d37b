import PeerPouch

/// 20,000 documents of 300 bytes, shared by `peerpouch share` and listed with their contents in Chromium, against the
/// same database by HTTP: by PouchDB where `POUCHDB_JS` names it, by `fetch` otherwise.
struct BrowserListing: Benchmark {
  let name = "browser.allDocs"

  func figures(runs: Int, _ scratch: Scratch) async throws -> [Figure] {
    let results = try BrowserProcess.measure("list", ["peerpouch"], runs: runs).map {
      Run(try $0.number("seconds"), peer: try $0.number("http"))
    }
    return [Figure(name, results, unit: "s", against: "HTTP", goal: .below(3))]
  }
}
