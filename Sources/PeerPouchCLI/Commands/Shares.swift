import ArgumentParser
import PeerPouch

struct Shares: PouchCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists the databases that are shared by way of a hub.",
    discussion: """
      Prints the URL of each, which every command takes in place of a database, its name, what may be done with it, the \
      ways in, the first 16 characters of its owner's fingerprint, and whether this installation has dealt with the owner, \
      or is it. \
      Names do not identify: whoever has the URL reaches the owner that it was made by, and nobody else.
      """)

  @OptionGroup var common: CommonOptions
  @OptionGroup var connection: ConnectionOptions
  @Flag(help: "Go on with what comes, until interrupted: lines begin with added, updated or removed.")
  var watch = false

  var isLive: Bool { watch }

  func perform(_ console: Console) async throws {
    let name = try connection.chosenHub
    let peer = try console.peer.peer(connection)
    let own = peer.identity.fingerprint
    let hub = try await console.peer.hub(name, connection, .mustExist)
    guard watch else {
      for shared in try await hub.getSharedDatabases(as: peer) { try print(shared, own, console) }
      return
    }
    if !console.output.isTerminal { console.interruption.watchForClosedOutput(console.output.descriptor) }
    for try await change in try hub.sharedDatabaseChanges(as: peer) {
      switch change {
      case .added(let shared): try print(shared, own, console, as: "added")
      case .updated(let shared): try print(shared, own, console, as: "updated")
      case .removed(let shared): try print(shared, own, console, as: "removed")
      }
      try console.output.flush()
    }
    // A feed just ends when it is cancelled.
    try Task.checkCancellation()
  }

  private func print(
    _ shared: SharedDatabase, _ own: Fingerprint, _ console: Console, as event: String? = nil
  ) throws {
    let ways = shared.gate.map(\.rawValue).sorted()
    guard !console.isJSON else {
      var object: JSON.Object = [:]
      object["event"] = event.map { JSON($0) }
      object["url"] = JSON(shared.dbname)
      object["name"] = JSON(shared.name)
      object["info"] = shared.info
      object["access"] = JSON(shared.access.rawValue)
      object["gate"] = .array(ways.map { JSON($0) })
      object["identity"] = JSON(shared.identity.text)
      object["known"] = JSON(shared.standing == .known)
      object["own"] = JSON(shared.identity == own)
      if case .nameOfOthers(let others) = shared.standing {
        object["name_of"] = .array(others.map { JSON($0.text) })
      }
      try console.print(json: .object(object))
      return
    }
    let standing =
      shared.identity == own
      ? "own"
      : PeerText.warning(shared.standing).map { "warning: \($0)" } ?? (shared.standing == .known ? "known" : "unknown")
    let columns = [
      shared.dbname, PeerText.plain(shared.name), shared.access.rawValue, ways.joined(separator: ","),
      shared.identity.short, standing,
    ]
    try console.print((event.map { [$0] } ?? []) + columns)
  }
}
