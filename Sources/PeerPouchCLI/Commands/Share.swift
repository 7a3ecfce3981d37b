import ArgumentParser
import PeerPouch

struct ShareCommand: PouchCommand {
  static let configuration = CommandConfiguration(
    commandName: "share", abstract: "Shares a database with other peers, until interrupted.",
    discussion: """
      Prints the share's URL, and a ticket unless told otherwise: whoever has the ticket opens the database with it in \
      place of a database's name, and may read and write. A ticket belongs to the first who uses it; the next start \
      prints another one for somebody else, and the URL stays the same.

      --ask shows who wants in, and reads yes, once or no from standard input; compare the fingerprints before you say \
      yes. After a yes the same identity is let in again without asking, until 'peerpouch identity forget'. An answer may \
      name the identity it is about, as in 'yes abcd-efgh', and has to when several wait or one was not answered before. Who \
      is not answered in a minute is refused.

      The hub carries only the signalling: it can neither read nor change what goes between peers. It may be away for a \
      while. Ctrl-C ends the sharing, and removes the share from the hub.
      """)

  @OptionGroup var common: CommonOptions
  @OptionGroup var target: DatabaseArgument
  @Option(help: "What others see in their lists; the database's name if left out.") var name: String?
  @Option(help: ArgumentHelp("More for them to see: a JSON object of at most 2 KiB.", valueName: "json"))
  var info: String?
  @Flag(help: "Let in whoever can read the hub; they may only read unless --write is given.") var anyone = false
  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Let these identities in, see 'peerpouch identity'.", valueName: "fingerprint"))
  var allow: [Fingerprint] = []
  @Flag(help: "Ask about each who wants in.") var ask = false
  @Flag(help: "Let them write, also with --anyone.") var write = false
  @Flag(help: "Let them only read.") var readOnly = false
  @Flag(help: "Let them create documents and read nothing, as 'peerpouch send --to' does. The database is made.")
  var inbox = false
  @Flag(help: "Let them query with _find, which may go through the whole database.") var find = false

  var isLive: Bool { true }

  func validate() throws {
    if anyone, !allow.isEmpty || ask { throw ValidationError("--anyone leaves nobody to --allow or --ask about.") }
    guard [write, readOnly, inbox].count(where: { $0 }) <= 1 else {
      throw ValidationError("--write, --read-only and --inbox exclude each other.")
    }
    _ = try details
  }

  private var details: JSON {
    get throws {
      guard let info else { return [:] }
      guard let json = try? JSON(parsing: info), json.object != nil else {
        throw ValidationError("--info is no JSON object.")
      }
      return json
    }
  }

  private var gate: Gate {
    if anyone { return .anyone }
    let isListed = !allow.isEmpty
    return Gate(allowed: isListed ? Set(allow) : nil, takesTickets: !isListed && !ask, asks: ask)
  }

  private var access: ShareAccess? {
    if write { return .readWrite }
    if readOnly { return .readOnly }
    return inbox ? .inbox : nil
  }

  func perform(_ console: Console) async throws {
    let target = try target.resolved(console)
    let connection = target.connection
    let hubName = try connection.chosenHub
    let peer = try console.peer.peer(connection)
    try await target.open(inbox ? .madeIfMissing : .mustExist, console) { database in
      let hub = try await HubPatience(console).open(hubName, connection)
      var onRemote: RemoteHandler?
      if ask {
        let doorkeeper = Doorkeeper(console, peer.identity.fingerprint)
        onRemote = { await doorkeeper.decide(on: $0) }
      }
      let share = try await HubPatience(console).wait {
        try await hub.shareDatabase(
          database, name: name, info: details, access: access, gate: gate, permissions: find ? .queries : [], as: peer,
          onRemote: onRemote)
      }
      let report = ShareReport(share, console)
      do {
        try report.begin(peer.identity.fingerprint)
        try await report.follow()
      } catch {
        // In a task that is not cancelled: the share is to disappear from the hub.
        await Task { await share.stop() }.value
        throw error
      }
      await Task { await share.stop() }.value
      console.diagnostics.note("The share has ended.")
    }
  }
}

/// Waits for a hub that is away.
struct HubPatience {
  private let console: Console

  init(_ console: Console) { self.console = console }

  /// Opens a hub, which is made if it is missing.
  func open(_ name: String, _ options: ConnectionOptions) async throws -> any Database {
    try await wait { try await console.peer.hub(name, options, .madeIfMissing) }
  }

  /// Tries something until the hub answers, and says once that it does not.
  func wait<Value>(for work: () async throws -> Value) async throws -> Value {
    var delay = ReplicationTuning.firstRetryDelay
    var isNoted = false
    while true {
      do {
        return try await work()
      } catch let error as PouchError where error.code.isTransient {
        if !isNoted { console.diagnostics.note("\(error); waiting for the hub") }
        isNoted = true
        try await Task.sleep(for: max(delay, error.retryAfter ?? .zero))
        delay = min(delay * 2, ReplicationTuning.longestRetryDelay)
      }
    }
  }
}
