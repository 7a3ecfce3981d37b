import Foundation
import WebRTC

/// A peer of its own for tests and benchmarks: requests come as lines of JSON, answers and events go out so.
/// `Tests/Interop/webrtc/PROTOCOL.md` says what they mean.
@main
struct RTCTool {
  static func main() async {
    let peer = Peer()
    for await line in standardInput {
      guard let request = Request(line) else { continue }
      // The engine takes up tasks in the order in which they are made, so that requests begin in that of their lines.
      // Each ends with the connection at the latest.
      Task { @RTCEngine in await peer.carryOut(request) }
    }
    await peer.end()
    Output.flush()
  }

  /// Lines are read on a thread of its own. How many wait is not bounded: whoever sends them waits for answers.
  private static var standardInput: AsyncStream<String> {
    AsyncStream { continuation in
      Thread {
        while let line = readLine() { continuation.yield(line) }
        continuation.finish()
      }.start()
    }
  }
}

/// Tells whoever looks for the reason of something.
func complain(_ text: String) {
  // Where nobody listens there is nothing to be done.
  try? FileHandle.standardError.write(contentsOf: Data("\(text)\n".utf8))
}

/// A request that makes no sense.
struct Refusal: Error, CustomStringConvertible {
  let description: String
}
