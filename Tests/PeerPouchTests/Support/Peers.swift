import Logging
import PeerTrust
import PeerTunnel
import PouchCore
import PouchStore
import Synchronization

@testable import PeerPouch

typealias Arrival = Latch

/// Some peers that only know a hub, and connect within the process.
struct Peers {
  let transport = MemoryTransport()
  let hub: LocalDatabase
  private let hubName: String

  init() throws {
    hubName = "hub\(UInt64.random(in: .min ... .max))"
    hub = try LocalDatabase.inMemory(hubName)
  }

  /// A peer of a new identity, or of the one given.
  func peer(
    _ identity: Identity? = nil, folder: String? = nil, _ change: (inout PeerOptions) -> Void = { _ in }
  ) throws -> LocalPeer {
    var options = Peers.options
    options.transport = transport
    change(&options)
    if let folder { return try LocalPeer(folder: folder, options: options) }
    return LocalPeer(identity ?? Peers.identity(), options: options)
  }

  static var options: PeerOptions {
    var options = PeerOptions()
    options.patience = .seconds(20)
    options.tunnel.tick = .milliseconds(50)
    options.logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    return options
  }

  static func identity() -> Identity {
    var generator = SystemRandomNumberGenerator()
    return Identity(using: &generator)
  }

  /// A database in memory with some documents.
  static func notes(_ count: Int = 3) async throws -> LocalDatabase {
    let notes = try LocalDatabase.inMemory()
    for number in 0..<count { try await notes.put(["_id": .string("n\(number)"), "text": "note"]) }
    return notes
  }
}

extension PeerConnectionStates {
  /// Suspends until a state is reached.
  func first(_ isIt: (PeerConnectionState) -> Bool) async -> PeerConnectionState? {
    for await state in self where isIt(state) { return state }
    return nil
  }
}

extension Share {
  /// Suspends until something happens; what happens before this is called does not count.
  static func first(
    _ events: AsyncStream<ShareEvent>, _ isIt: (ShareEvent) -> Bool
  ) async -> ShareEvent? {
    for await event in events where isIt(event) { return event }
    return nil
  }
}

/// Seconds since 1970 by the machine's clock.
func machineDate() -> Int { PeerTime.system.date() }
