import Foundation
import Synchronization
import TestSupport

/// Stands between two peers on 127.0.0.1, and sends some of what passes again later, and some of it cut off.
final class Forwarder: Sendable {
  /// What a side is told to send to: its packets come out of the other socket.
  private let sockets: (first: UDPSocket, second: UDPSocket)
  private let isStopped = Atomic(false)
  /// How many packets were sent again, and cut off.
  let (replayed, truncated) = (Counter(), Counter())

  init() throws {
    sockets = (try UDPSocket(), try UDPSocket())
    sockets.first.setTimeout(milliseconds: 50)
    sockets.second.setTimeout(milliseconds: 50)
  }

  /// The port that stands for the second peer to the first, and the one that stands for the first to the second.
  var ports: (forFirst: UInt16, forSecond: UInt16) { (sockets.first.port, sockets.second.port) }

  /// Begins, and lasts until ``stop()``.
  /// - Parameters:
  ///   - first: the first peer's port.
  ///   - second: the second peer's port.
  ///   - percent: of the packets are sent again, and as many are cut off.
  func start(first: UInt16, second: UInt16, percent: Int, seed: UInt64) {
    Thread.detachNewThread { [self] in forward(sockets.first, sockets.second, to: second, percent, seed) }
    Thread.detachNewThread { [self] in forward(sockets.second, sockets.first, to: first, percent, seed + 1) }
  }

  func stop() {
    isStopped.store(true, ordering: .relaxed)
  }

  private func forward(_ from: UDPSocket, _ through: UDPSocket, to port: UInt16, _ percent: Int, _ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var past: [[UInt8]] = []
    while !isStopped.load(ordering: .relaxed) {
      guard let packet = from.receive()?.bytes else { continue }
      if Int.random(in: 0..<100, using: &generator) < percent, !packet.isEmpty {
        through.send(Array(packet.prefix(Int.random(in: 0..<packet.count, using: &generator))), to: port)
        truncated.add(1)
      } else {
        through.send(packet, to: port)
      }
      if past.count < 256 {
        past.append(packet)
      } else {
        past[Int.random(in: 0..<past.count, using: &generator)] = packet
      }
      if Int.random(in: 0..<100, using: &generator) < percent, let old = past.randomElement(using: &generator) {
        through.send(old, to: port)
        replayed.add(1)
      }
    }
  }
}
