import Foundation
import PeerPouch

/// A file of 2 GiB by `peerpouch send` and `peerpouch receive`, against messages over a bare channel; and by how much the
/// memory of the two grows, compared with sending a file of one byte.
struct SendFile: Benchmark {
  let name = "send.file"

  private let length = 2 << 30
  private let mebibyte = Double(1 << 20)

  func figures(runs: Int, _ scratch: Scratch) async throws -> [Figure] {
    let channels = try ChannelPair(PeerProcess.ours)
    defer { channels.stop() }
    try channels.connect()
    return try await scratch.withServer { server in
      try server.makePublic("hub")
      return try await scratch.withFolder("files") { folder in
        try write("large", in: folder, length: length)
        try write("small", in: folder, length: 1)
        var (speeds, senders, receivers): ([Run], [Run], [Run]) = ([], [], [])
        for _ in 0..<runs {
          let bare = try channels.speed(size: ChannelSpeed.tunnelled, seconds: 3)
          let idle = try await send("small", of: folder, server)
          let sent = try await send("large", of: folder, server)
          speeds.append(Run(Double(length) / sent.seconds / 1e6, peer: bare.rate))
          senders.append(Run(Double(max(0, sent.sender - idle.sender)) / mebibyte))
          receivers.append(Run(Double(max(0, sent.receiver - idle.receiver)) / mebibyte))
        }
        return [
          Figure(name, speeds, unit: "MB/s", against: "bare channel", goal: .ratioAtLeast(0.6)),
          Figure(name + ".sender", senders, unit: "MiB", goal: .below(64)),
          Figure(name + ".receiver", receivers, unit: "MiB", goal: .below(64)),
        ]
      }
    }
  }

  private func write(_ name: String, in folder: String, length: Int) throws {
    var generator = SystemRandomNumberGenerator()
    let piece = (0..<(256 << 10) / 8).flatMap { _ in withUnsafeBytes(of: generator.next() as UInt64, Array.init) }
    let path = folder + "/" + name
    guard FileManager.default.createFile(atPath: path, contents: nil), let file = FileHandle(forWritingAtPath: path)
    else {
      throw BareError(message: "A file cannot be made.")
    }
    var left = length
    while left > 0 {
      try file.write(contentsOf: piece.prefix(left))
      left -= min(left, piece.count)
    }
    try file.close()
  }

  /// Sends a file from one process to another.
  /// - Returns: how long the receiver took, from its start to its end, and the most memory of each in bytes.
  private func send(
    _ file: String, of folder: String, _ hub: PouchServerProcess
  ) async throws -> (seconds: Double, sender: Int, receiver: Int) {
    let sender = try ChildProcess(
      "peerpouch", ["send", folder + "/" + file, "--hub", hub.publicURL("hub"), "--json", "--quiet"],
      environment: PeerSetting.environment(folder + "/ann"))
    defer { sender.stop() }
    guard let ticket = try JSON(parsing: sender.line())["ticket"]?.string else {
      throw BareError(message: "The sender gives no ticket.")
    }
    let received = folder + "/received"
    try FileManager.default.createDirectory(atPath: received, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: received) }
    var peaks = (sender: 0, receiver: 0)
    let time = try await seconds {
      let receiver = try ChildProcess(
        "peerpouch", ["receive", ticket, "-o", received, "--json", "--quiet"],
        environment: PeerSetting.environment(folder + "/bob"))
      while true {
        let now = ProcessUsage.peakBytes(of: receiver.identifier)
        guard now > 0 else { break }
        peaks.receiver = max(peaks.receiver, now)
        peaks.sender = max(peaks.sender, ProcessUsage.peakBytes(of: sender.identifier))
        usleep(20_000)
      }
      _ = try receiver.finish()
    }
    _ = try sender.finish()
    return (time, peaks.sender, peaks.receiver)
  }
}
