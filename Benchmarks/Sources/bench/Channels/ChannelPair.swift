import PeerPouch

/// Two peers of a kind, in two processes, connected over the loopback interface.
final class ChannelPair {
  private let offerer: PeerProcess
  private let answerer: PeerProcess
  private var relay: RelayProcess?
  private var channels = 0

  /// - Parameter makePeer: starts one.
  init(_ makePeer: () throws -> PeerProcess) throws {
    offerer = try makePeer()
    answerer = try makePeer()
  }

  /// Connects the two.
  /// - Parameters:
  ///   - options: what their connections are made with, beside the address.
  ///   - relay: what their packets pass.
  /// - Returns: how long it took from nothing to an open channel on both sides, in seconds.
  @discardableResult
  func connect(_ options: PeerProcess.Members = [:], relay: RelayProcess? = nil) throws -> Double {
    self.relay = relay
    let start = ContinuousClock.now
    for peer in [offerer, answerer] {
      _ = try peer.ask("create", options.merging(["address": "127.0.0.1"]) { _, own in own })
    }
    _ = try offerer.ask("open", ["label": "echo", "protocol": "echo"])
    let offer = try description(offerer.ask("offer"), at: relay?.forAnswerer)
    let answer = try description(answerer.ask("answer", ["sdp": offer]), at: relay?.forOfferer)
    _ = try offerer.ask("accept", ["sdp": answer])
    for peer in [offerer, answerer] { try peer.waitOpen("echo") }
    return (ContinuousClock.now - start).seconds
  }

  private func description(_ result: JSON, at address: RelayProcess.Address?) throws -> JSON {
    guard let sdp = result["sdp"]?.string else { throw BareError(message: "A peer gives no description.") }
    return JSON(address.map { $0.replacingCandidates(of: sdp) } ?? sdp)
  }

  func disconnect() throws {
    for peer in [offerer, answerer] { _ = try peer.ask("close") }
    relay?.stop()
    relay = nil
  }

  func stop() {
    for peer in [offerer, answerer] { peer.stop() }
    relay?.stop()
  }

  /// What one way of a connection has carried.
  struct Speed {
    /// 10⁶ bytes a second, from the first message's arrival to the last one's.
    let rate: Double
    /// 10⁶ bytes for each second of a process's processor time.
    let senderPerCPU: Double
    let receiverPerCPU: Double
  }

  /// Sends messages one way, as fast as they are taken, on a channel of their own.
  /// - Parameters:
  ///   - size: of each message, in bytes.
  ///   - seconds: for how long.
  func speed(size: Int, seconds: Int) throws -> Speed {
    channels += 1
    let label = JSON("flow \(channels)")
    _ = try offerer.ask("open", ["label": label, "protocol": "discard"])
    for peer in [offerer, answerer] { try peer.waitOpen("flow \(channels)") }
    let before = (try offerer.processorSeconds(), try answerer.processorSeconds())
    let sent = try offerer.ask("pump", ["label": label, "size": JSON(size), "seconds": JSON(seconds)])
    let bytes = try sent.number("bytes")
    let received = try answerer.ask("received", ["label": label, "bytes": JSON(Int(bytes))])
    let after = (try offerer.processorSeconds(), try answerer.processorSeconds())
    guard try received.number("bytes") == bytes else { throw BareError(message: "Not what was sent has come in.") }
    _ = try offerer.ask("closeChannel", ["label": label])
    return Speed(
      rate: bytes / 1e6 / (try received.number("seconds")), senderPerCPU: bytes / 1e6 / (after.0 - before.0),
      receiverPerCPU: bytes / 1e6 / (after.1 - before.1))
  }

  /// The median round trip of a message there and back again, one after the other, in µs.
  func roundTrip(size: Int, count: Int) throws -> Double {
    try offerer.ask("ping", ["label": "echo", "count": JSON(count), "size": JSON(size)]).number("median")
  }
}
