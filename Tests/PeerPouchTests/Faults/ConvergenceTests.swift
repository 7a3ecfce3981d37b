import PeerTrust
import PouchCore
import PouchReplication
import PouchStore
import TestSupport
import Testing

@testable import PeerPouch

/// Peers that write, conflict, are cut off from each other and start again in an order drawn from a seed, and in the end
/// have the same. A run is repeated by its seed.
@Suite(.timeLimit(.minutes(3)), .serialized)
struct ConvergenceTests {
  private static let peers = 5
  private static let steps = 120

  @Test(arguments: [1, 2, 3] as [UInt64])
  func `five peers that were apart end equal`(seed: UInt64) async throws {
    try await withFolder { folder in
      var random = SeededGenerator(seed: seed)
      let hub = try LocalDatabase.inMemory("hub\(UInt64.random(in: .min ... .max))")
      let network = PartitionedNetwork()
      var nodes: [Node] = []
      for number in 0..<Self.peers { nodes.append(Node(number, folder, hub, network)) }
      for node in nodes { try await node.start() }
      // A ring: what one writes gets to the others by way of those between.
      for node in nodes { await node.follow(nodes[(node.number + 1) % Self.peers]) }

      for step in 0..<Self.steps {
        let node = nodes[Int.random(in: 0..<Self.peers, using: &random)]
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<80: try await node.write(step, using: &random)
        case 80..<88:
          let groups = (0..<Self.peers).map { ($0, Int.random(in: 0..<2, using: &random)) }
          network.divide(Dictionary(uniqueKeysWithValues: groups))
        case 88..<94: network.divide([:])
        default:
          await node.stop()
          try await node.start()
        }
        // Others get their turns, so that steps and replications mix.
        for _ in 0..<Int.random(in: 0..<300, using: &random) { await Task.yield() }
      }

      network.divide([:])
      try await Self.untilEqual(nodes)
      let contents = try await nodes[0].contents()
      #expect(contents.count > 10)
      #expect(contents.values.contains { $0.count > 1 }, "There are conflicts.")
      for node in nodes { await node.stop() }
    }
  }

  /// Suspends until all peers have the same leaves of the same documents.
  private static func untilEqual(_ nodes: [Node]) async throws {
    while true {
      // Taken first, so that no change is missed between looking and waiting.
      var positions: [(any Database, UpdateSequence)] = []
      for node in nodes { positions.append((await node.database, try await node.database.info().updateSequence)) }
      var contents: [[DocumentID: [RevisionID]]] = []
      for node in nodes { contents.append(try await node.contents()) }
      if contents.allSatisfy({ $0 == contents[0] }) { return }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for (database, position) in positions {
          group.addTask { _ = try await database.nextChanges(ChangesQuery(.live), after: position, limit: 1) }
        }
        _ = try await group.next()
        group.cancelAll()
      }
    }
  }

  /// One of the peers: a database in a file, shared, and kept in sync with its neighbour's.
  private actor Node {
    let number: Int
    private let identity = Peers.identity()
    private let path: String
    private let hub: LocalDatabase
    private let network: PartitionedNetwork
    private var running: (peer: LocalPeer, share: Share, database: LocalDatabase)?
    private var neighbour: ShareAddress?
    private var following: Task<Void, Never>?

    init(_ number: Int, _ folder: String, _ hub: LocalDatabase, _ network: PartitionedNetwork) {
      self.number = number
      path = "\(folder)/\(number).pouch"
      self.hub = hub
      self.network = network
    }

    var database: LocalDatabase {
      guard let running else { preconditionFailure("It is not running.") }
      return running.database
    }

    var address: ShareAddress? { running?.share.address }

    func start() async throws {
      var options = Peers.options
      options.transport = network.transport(of: number)
      options.time = ConvergenceTests.fast
      let peer = LocalPeer(identity, options: options)
      let database = try LocalDatabase(path: path, options: StoreOptions(durability: .relaxed))
      let share = try await hub.shareDatabase(database, name: "\(number)", as: peer) { _ in }
      running = (peer, share, database)
      if neighbour != nil { sync() }
    }

    func follow(_ other: Node) async {
      neighbour = await other.address
      sync()
    }

    private func sync() {
      guard let running, let neighbour else { return }
      following = Task {
        do {
          let theirs = try await running.peer.open(neighbour, waiting: .nothing)
          try await Synchronization(
            of: running.database, with: theirs, .live, environment: ConvergenceTests.fastReplication
          ).run()
        } catch {
          if !Task.isCancelled { Issue.record("\(error)") }
        }
      }
    }

    /// As a program that ends, and later starts again.
    func stop() async {
      following?.cancel()
      await following?.value
      await running?.peer.close()
      try? await running?.database.close()
      running = nil
    }

    func write(_ step: Int, using random: inout SeededGenerator) async throws {
      let id = DocumentID("d\(Int.random(in: 0..<20, using: &random))")
      let kind = Int.random(in: 0..<10, using: &random)
      if kind == 0 {
        // Two leaves at once, as from a copy that is somewhere else.
        let copies = try ["x", "y"].map { branch in
          var copy = Document(id: id, fields: ["step": JSON(step), "branch": JSON(branch)])
          copy.revision = try RevisionID("1-\(step)\(branch)")
          copy.revisions = [try RevisionID("1-\(step)\(branch)")]
          return copy
        }
        for result in try await database.bulkDocs(copies, .replicated) { _ = try result.outcome.get() }
        return
      }
      do {
        let revision = try? await database.get(id).revision
        if kind == 1, let revision {
          try await database.remove(id, at: revision)
        } else if kind == 2 {
          let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: step), count: 20_000)
          try await database.putAttachment("film", Attachment(bytes), to: id, at: revision)
        } else {
          var document = Document(id: id, fields: ["step": JSON(step), "by": JSON(number)])
          document.revision = revision
          try await database.put(document)
        }
      } catch let error as PouchError where error.code == .conflict {
        // A replication came between reading and writing.
      }
    }

    /// The leaves of each document.
    func contents() async throws -> [DocumentID: [RevisionID]] {
      try await database.changes(ChangesQuery(.once, style: .allLeaves)).reduce(into: [:]) {
        $0[$1.id] = $1.revisions.sorted()
      }
    }
  }

  /// Waits take a twentieth of their time.
  private static let fast = PeerTime(
    now: PeerTime.system.now, sleep: { try await PeerTime.system.sleep($0 / 20) }, date: PeerTime.system.date)

  private static var fastReplication: ReplicationEnvironment {
    var environment = ReplicationEnvironment.system
    environment.sleep = { try await Task.sleep(for: $0 / 20) }
    return environment
  }
}
