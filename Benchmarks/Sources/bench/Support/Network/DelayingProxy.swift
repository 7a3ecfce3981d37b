import Foundation
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Hands TCP connections on to a server, and everything that passes, in either direction, some time later: a long line
/// that has all the bandwidth of the loopback.
final class DelayingProxy: Sendable {
  /// Where clients connect.
  let port: Int
  private let listener: Int32
  /// A pipe whose writing end is closed to end the proxy's thread.
  private let alarm: (reader: Int32, writer: Int32)
  private let hasEnded = DispatchSemaphore(value: 0)

  /// - Parameters:
  ///   - port: the server's.
  ///   - roundTrip: by how much a round trip becomes longer: each direction by the half.
  init(to port: Int, roundTrip: Duration) throws {
    (listener, self.port) = try LoopbackSocket.listen()
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw BareError(message: "There is no pipe.") }
    alarm = (ends[0], ends[1])
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    LoopbackSocket.setNonblocking(listener)
    let (listener, alarm, hasEnded) = (listener, alarm.reader, hasEnded)
    Thread.detachNewThread {
      var loop = ProxyLoop(listener: listener, alarm: alarm, server: port, delay: roundTrip / 2)
      loop.run()
      hasEnded.signal()
    }
  }

  /// Ends the proxy with all its connections.
  func stop() {
    close(alarm.writer)
    hasEnded.wait()
    close(alarm.reader)
    close(listener)
  }
}

/// What the thread of a proxy does.
private struct ProxyLoop {
  /// One direction of a connection.
  private struct Direction {
    let source: Int32
    let target: Int32
    /// What is on its way, with the time at which it arrives.
    var pieces: [(due: ContinuousClock.Instant, bytes: [UInt8])] = []
    /// How much of the first piece was handed on already.
    var sent = 0
    var bytes = 0
    var hasEnded = false
    /// Whether the target knows of the end.
    var isOver = false
  }

  /// How many bytes may be on their way in one direction: far more than loopback passes in the delay.
  private static let capacity = 64 << 20
  /// How much is read at once.
  private static let readSize = 256 << 10

  let listener: Int32
  let alarm: Int32
  let server: Int
  let delay: Duration
  /// Two for each connection, one after the other.
  private var directions: [Direction] = []
  private var buffer = [UInt8](repeating: 0, count: ProxyLoop.readSize)

  init(listener: Int32, alarm: Int32, server: Int, delay: Duration) {
    self.listener = listener
    self.alarm = alarm
    self.server = server
    self.delay = delay
  }

  mutating func run() {
    defer { for direction in directions { close(direction.source) } }
    while true {
      var descriptors = [
        pollfd(fd: alarm, events: Int16(POLLIN), revents: 0), pollfd(fd: listener, events: Int16(POLLIN), revents: 0),
      ]
      let now = ContinuousClock.now
      for index in directions.indices { descriptors.append(interest(index, now)) }
      guard poll(&descriptors, nfds_t(descriptors.count), timeout(now)) >= 0 || errno == EINTR else { return }
      if descriptors[0].revents != 0 { return }
      let arrival = ContinuousClock.now
      for index in directions.indices {
        let events = Int32(descriptors[index + 2].revents)
        if events & (POLLIN | POLLHUP | POLLERR) != 0 { receive(index, arrival) }
      }
      for index in directions.indices { deliver(index, arrival) }
      if descriptors[1].revents != 0 { accept() }
      removeEnded()
    }
  }

  /// What is waited for at the source of a direction, which is the target of the other one.
  private func interest(_ index: Int, _ now: ContinuousClock.Instant) -> pollfd {
    let direction = directions[index]
    let opposite = directions[index ^ 1]
    var events: Int32 = 0
    if !direction.hasEnded, direction.bytes < ProxyLoop.capacity { events |= POLLIN }
    if let first = opposite.pieces.first, first.due <= now { events |= POLLOUT }
    // Without any event only failures are told, again and again; a negative descriptor is passed over.
    return pollfd(fd: events == 0 ? -1 : direction.source, events: Int16(events), revents: 0)
  }

  /// Milliseconds until something arrives, rounded up; -1 if nothing is on its way.
  private func timeout(_ now: ContinuousClock.Instant) -> Int32 {
    guard let next = directions.compactMap({ $0.pieces.first?.due }).filter({ $0 > now }).min() else { return -1 }
    return Int32(((next - now) / .milliseconds(1)).rounded(.up))
  }

  private mutating func receive(_ index: Int, _ now: ContinuousClock.Instant) {
    guard !directions[index].hasEnded, directions[index].bytes < ProxyLoop.capacity else { return }
    let source = directions[index].source
    let count = buffer.withUnsafeMutableBytes { read(source, $0.baseAddress, $0.count) }
    if count > 0 {
      directions[index].pieces.append((now + delay, Array(buffer[..<count])))
      directions[index].bytes += count
    } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
      directions[index].pieces.append((now + delay, []))
      directions[index].hasEnded = true
    }
  }

  /// Hands on what has arrived, as far as the target takes it.
  private mutating func deliver(_ index: Int, _ now: ContinuousClock.Instant) {
    while let first = directions[index].pieces.first, first.due <= now {
      let target = directions[index].target
      guard !first.bytes.isEmpty else {
        shutdown(target, Int32(SHUT_WR))
        directions[index].isOver = true
        directions[index].pieces = []
        return
      }
      let sent = directions[index].sent
      let count = first.bytes.withUnsafeBytes { write(target, $0.baseAddress?.advanced(by: sent), $0.count - sent) }
      guard count > 0 else {
        if errno == EAGAIN || errno == EINTR { return }
        // Nobody is there any more.
        directions[index].hasEnded = true
        directions[index].isOver = true
        directions[index].pieces = []
        return
      }
      directions[index].sent += count
      guard directions[index].sent == first.bytes.count else { return }
      directions[index].pieces.removeFirst()
      directions[index].sent = 0
      directions[index].bytes -= count
    }
  }

  private mutating func accept() {
    while true {
      #if canImport(Glibc)
        let client = Glibc.accept(listener, nil, nil)
      #else
        let client = Darwin.accept(listener, nil, nil)
      #endif
      guard client >= 0 else { return }
      _ = fcntl(client, F_SETFD, FD_CLOEXEC)
      guard let server = try? LoopbackSocket.connect(port: server) else {
        close(client)
        return
      }
      LoopbackSocket.setImmediate(client)
      for descriptor in [client, server] { LoopbackSocket.setNonblocking(descriptor) }
      directions.append(Direction(source: client, target: server))
      directions.append(Direction(source: server, target: client))
    }
  }

  private mutating func removeEnded() {
    for index in stride(from: directions.count - 2, through: 0, by: -2)
    where directions[index].isOver && directions[index + 1].isOver {
      close(directions[index].source)
      close(directions[index + 1].source)
      directions.removeSubrange(index...index + 1)
    }
  }
}
