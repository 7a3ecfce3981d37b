import Foundation
import PeerPouch

/// `Tests/Interop/browser/measure.py`: a headless Chromium, with all that it talks to, where there is nothing but the
/// loopback interface.
enum BrowserProcess {
  /// Runs a measurement.
  /// - Parameter programs: which were built together with this one, and take part.
  /// - Returns: what each run measured.
  static func measure(_ what: String, _ programs: [String], runs: Int) throws -> [JSON] {
    guard let python = ProcessInfo.processInfo.environment["BROWSER_PYTHON"] else {
      throw BareError(message: "BROWSER_PYTHON does not name a Python that has Selenium.")
    }
    let folder = Bundle.main.executableURL?.deletingLastPathComponent()
    let paths = programs.map { folder?.appendingPathComponent($0).path ?? $0 }
    let output = try ChildProcess(
      path: python, ["Tests/Interop/browser/measure.py", what] + paths + ["\(runs)"]
    ).finish()
    let results = try output.split(separator: "\n").map { try JSON(parsing: $0.utf8) }
    guard results.count == runs else { throw BareError(message: "Not every run in the browser was measured.") }
    return results
  }
}
