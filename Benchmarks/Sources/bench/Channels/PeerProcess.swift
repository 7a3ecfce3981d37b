import Foundation
import PeerPouch

/// A program that speaks the line protocol of Tests/Interop/webrtc/PROTOCOL.md: a WebRTC peer that does what it is told.
final class PeerProcess {
  private let process: ChildProcess
  private var lastRequest = 0
  /// Answers that have come before they were asked for.
  private var answers: [Int: JSON] = [:]
  /// Events that have come before they were waited for.
  private var events: [JSON] = []

  typealias Members = [String: JSON]

  private init(_ process: ChildProcess) {
    self.process = process
  }

  /// Our own.
  static func ours() throws -> PeerProcess { PeerProcess(try ChildProcess("RTCTool", [], takesInput: true)) }

  /// aiortc, run by the Python that `AIORTC_PYTHON` names; see `scripts/bench`.
  static func aiortc() throws -> PeerProcess {
    guard let python = ProcessInfo.processInfo.environment["AIORTC_PYTHON"] else {
      throw BareError(message: "AIORTC_PYTHON does not name a Python that has aiortc.")
    }
    let program = "Tests/Interop/webrtc/aiortc_peer.py"
    return PeerProcess(try ChildProcess(path: python, [program], takesInput: true))
  }

  /// Sends a request.
  /// - Returns: its number, for ``result(of:)``.
  func start(_ verb: String, _ members: Members = [:]) throws -> Int {
    lastRequest += 1
    let all = members.merging(["id": JSON(lastRequest), "do": JSON(verb)]) { _, own in own }
    try process.write("{" + all.map { "\(JSON($0).text):\($1.text)" }.joined(separator: ",") + "}")
    return lastRequest
  }

  /// Waits for the answer to a request.
  /// - Throws: if it is an error.
  func result(of request: Int) throws -> JSON {
    while true {
      if let answer = answers.removeValue(forKey: request) {
        guard let result = answer["result"] else { throw BareError(message: "A peer refuses: \(answer.text)") }
        return result
      }
      try read()
    }
  }

  /// Sends a request, and waits for its result.
  func ask(_ verb: String, _ members: Members = [:]) throws -> JSON {
    try result(of: start(verb, members))
  }

  /// Waits until a channel is open.
  func waitOpen(_ label: String) throws {
    while true {
      if let index = events.firstIndex(where: { $0["event"]?.string == "open" && $0["label"]?.string == label }) {
        events.remove(at: index)
        return
      }
      try read()
    }
  }

  private func read() throws {
    let message = try JSON(parsing: process.line())
    if let request = message["id"]?.int { answers[request] = message } else { events.append(message) }
  }

  /// The processor time that the program has taken so far, in seconds.
  func processorSeconds() throws -> Double { try ask("statistics").number("cpuSeconds") }

  func stop() { process.stop() }
}

extension JSON {
  /// A member that is a number.
  func number(_ name: String) throws -> Double {
    guard let number = self[ExactString(name)]?.double else {
      throw BareError(message: "A program does not tell \(name).")
    }
    return number
  }
}
