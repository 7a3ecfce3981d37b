import ArgumentParser
import PeerPouch

struct Replicate: PouchCommand {
  static let configuration = CommandConfiguration(
    abstract: "Copies the documents of one database to another.",
    discussion: """
      Revisions that the target has are not copied again, and an interrupted replication goes on where it was. Documents \
      that the target refuses are reported, and the rest is copied. The target is made if it is missing.
      """)

  @OptionGroup var common: CommonOptions
  @Argument(help: "The database to copy from: a name, a path with a slash, a URL, or a ticket.")
  var source: DatabaseName
  @Argument(help: "The database to copy to.") var target: DatabaseName
  @OptionGroup var replication: ReplicationArguments
  @OptionGroup(title: "Options for databases of other peers") var connection: ConnectionOptions

  var isLive: Bool { replication.live }

  func perform(_ console: Console) async throws {
    let options = try replication.options
    let patience = replication.patience(console)
    let opener = DatabaseOpener(console, connection)
    try await source.open(.mustExist, opener, patience) { source in
      try await target.open(.madeIfMissing, opener, patience) { target in
        let replication = Replication(from: source, to: target, options)
        let report = ReplicationReport("replicate", [replication], console)
        try await report.follow { _ = try await replication.run() }
      }
    }
  }
}

struct Sync: PouchCommand {
  static let configuration = CommandConfiguration(
    abstract: "Makes two databases the same, by replicating both ways.",
    discussion: """
      Edits that were made apart are both kept as conflicts, of which both sides pick the same winner. A database that is \
      missing is made.
      """)

  @OptionGroup var common: CommonOptions
  @Argument(help: "One database: a name, a path with a slash, a URL, or a ticket.") var first: DatabaseName
  @Argument(help: "The other one.") var second: DatabaseName
  @OptionGroup var replication: ReplicationArguments
  @OptionGroup(title: "Options for databases of other peers") var connection: ConnectionOptions

  var isLive: Bool { replication.live }

  func perform(_ console: Console) async throws {
    let options = try replication.options
    let patience = replication.patience(console)
    let opener = DatabaseOpener(console, connection)
    try await first.open(.madeIfMissing, opener, patience) { first in
      try await second.open(.madeIfMissing, opener, patience) { second in
        let synchronization = Synchronization(of: first, with: second, options)
        let report = ReplicationReport("sync", [synchronization.push, synchronization.pull], console)
        try await report.follow { _ = try await synchronization.run() }
      }
    }
  }
}

/// What is replicated, and for how long.
struct ReplicationArguments: ParsableArguments, Sendable {
  @Flag(help: "Go on with what comes, until interrupted; databases that are away are waited for.") var live = false
  @Option(parsing: .upToNextOption, help: ArgumentHelp("Only these documents.", valueName: "id"))
  var ids: [DocumentID] = []
  @Option(help: ArgumentHelp("Only documents that match a selector, as of CouchDB's _find.", valueName: "json"))
  var selector: String?

  func validate() throws {
    _ = try options
  }

  /// Whoever goes on until interrupted may come before the server does.
  func patience(_ console: Console) -> DatabaseName.Patience {
    live ? .waits(console.diagnostics) : .none
  }

  var options: ReplicationOptions {
    get throws {
      var options = ReplicationOptions(live ? .live : .once)
      if !ids.isEmpty { options.ids = Set(ids) }
      if let selector {
        do {
          options.selector = try Selector(JSON(parsing: selector))
        } catch let error as PouchError {
          throw ValidationError("--selector: \(error.reason)")
        } catch {
          throw ValidationError("--selector is no JSON.")
        }
      }
      return options
    }
  }
}
