import PeerPouch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Two thousand live feeds that wait at one server, half of them longpoll and half continuous: the time until the last
/// one has a change, counted from before it is written, and the memory that each takes of the server while it waits.
struct WaitingFeeds: Benchmark {
  let name = "http.feeds"

  private let feeds = 2_000

  func figures(runs: Int, _ scratch: Scratch) async throws -> [Figure] {
    LoopbackSocket.raiseFileLimit()
    var times: [Run] = []
    var memory: [Run] = []
    for _ in 0..<runs {
      let (seconds, bytes) = try await scratch.withServer { try await watch($0) }
      times.append(Run(seconds * 1_000))
      memory.append(Run(Double(bytes) / 1024 / Double(feeds)))
    }
    return [
      Figure(name + ".wake", times, unit: "ms", goal: .below(1_000)),
      Figure(name + ".memory", memory, unit: "KiB each", goal: .below(30)),
    ]
  }

  private func watch(_ server: PouchServerProcess) async throws -> (wake: Double, memory: Int) {
    try server.fill("notes", count: SampleDocuments.batch, .sequential)
    let writer = try server.connect()
    // Some feeds before, so that what all of them share is there.
    var crowd = FeedCrowd()
    defer { crowd.close() }
    try crowd.join(server, count: 10)
    try crowd.wait { $0.isOpen }
    try await Task.sleep(for: .seconds(1))
    let before = ProcessUsage.residentBytes(of: server.process.identifier)
    try crowd.join(server, count: feeds)
    try crowd.wait { $0.isOpen }
    try await Task.sleep(for: .seconds(1))
    let memory = ProcessUsage.residentBytes(of: server.process.identifier) - before
    let wake = try await seconds {
      _ = try writer.answer("PUT", "/notes/news", Array("{}".utf8), expecting: 201)
      try crowd.wait { $0.hasNews }
    }
    return (wake, max(0, memory))
  }
}

/// Clients that wait for changes, all in one thread.
private struct FeedCrowd {
  struct Client {
    let descriptor: Int32
    var received: [UInt8] = []

    /// The feed has begun: after the head came a first chunk.
    var isOpen: Bool { received.contains(Array("\r\n\r\n".utf8)) && received.last == 0x0A }
    var hasNews: Bool { received.contains(Array(#""id":"news""#.utf8)) }
  }

  private var clients: [Client] = []
  private var buffer = [UInt8](repeating: 0, count: 16 << 10)

  /// How long to wait for all of them, in milliseconds.
  private static let patience: Int32 = 30_000

  /// Adds clients that ask for what comes from now on, longpoll and continuous in turns.
  mutating func join(_ server: PouchServerProcess, count: Int) throws {
    for number in 0..<count {
      let feed = number % 2 == 0 ? "longpoll" : "continuous"
      let request = RawClient.head("GET", "/notes/_changes?feed=\(feed)&since=now&heartbeat=60000")
      let descriptor = try LoopbackSocket.connect(port: server.port)
      clients.append(Client(descriptor: descriptor))
      guard write(descriptor, request, request.count) == request.count else {
        throw BareError(message: "A feed could not be asked for.")
      }
      LoopbackSocket.setNonblocking(descriptor)
    }
  }

  /// Reads until something is true of all clients.
  mutating func wait(until isReady: (Client) -> Bool) throws {
    var waiting = clients.indices.filter { !isReady(clients[$0]) }
    while !waiting.isEmpty {
      var descriptors = waiting.map { pollfd(fd: clients[$0].descriptor, events: Int16(POLLIN), revents: 0) }
      guard poll(&descriptors, nfds_t(descriptors.count), FeedCrowd.patience) > 0 else {
        throw BareError(message: "\(waiting.count) feeds got nothing.")
      }
      for (index, event) in zip(waiting, descriptors) where event.revents != 0 {
        let count = read(event.fd, &buffer, buffer.count)
        guard count > 0 else { throw BareError(message: "A feed was cut.") }
        clients[index].received += buffer[..<count]
      }
      waiting.removeAll { isReady(clients[$0]) }
    }
  }

  mutating func close() {
    for client in clients { closeDescriptor(client.descriptor) }
    clients = []
  }
}

private func closeDescriptor(_ descriptor: Int32) {
  close(descriptor)
}
