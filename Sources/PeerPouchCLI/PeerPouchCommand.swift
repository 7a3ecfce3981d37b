import ArgumentParser

/// The command `peerpouch`: what its parts are, and what they have in common.
struct PeerPouchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "peerpouch",
    abstract: "A document database that speaks CouchDB's data model and protocol.",
    discussion: """
      DB is a name (the file NAME.pouch in $PEERPOUCH_HOME, by default the platform's data folder), a path with a \
      slash, the URL of a database at a CouchDB or at 'peerpouch serve' (http://USER:PASSWORD@HOST:5984/NAME), the URL of \
      what another peer shares (webrtc://…) or a ticket to it (pp1-…), or memory: for a database that is gone when the \
      command ends. With - the name is read from the first line of standard input, so that a ticket does not stand in \
      the list of processes.

      \(ExitCodes.discussion)
      """,
    version: "0.1.0",
    groupedSubcommands: [
      CommandGroup(name: "Documents:", subcommands: [Put.self, Get.self, Remove.self, List.self, Changes.self]),
      CommandGroup(name: "Attachments:", subcommands: [Attach.self, Detach.self, Fetch.self]),
      CommandGroup(name: "Other databases:", subcommands: [Serve.self, Replicate.self, Sync.self]),
      CommandGroup(
        name: "Other peers:",
        subcommands: [
          ShareCommand.self, Shares.self, Send.self, Receive.self, IdentityCommand.self, ConfigCommand.self,
        ]),
      CommandGroup(
        name: "Databases:",
        subcommands: [
          Info.self, Dump.self, Load.self, Compact.self, Check.self, Purge.self, Destroy.self,
        ]),
    ])

  @OptionGroup var common: CommonOptions
}

/// One of the commands.
protocol PouchCommand: ParsableCommand, Sendable {
  var common: CommonOptions { get }
  /// Whether the command goes on until it is interrupted, which is then how it ends well.
  var isLive: Bool { get }
  /// Does what the command is for.
  ///
  /// What it throws is reported, and decides the exit code; see ``ExitCodes``.
  func perform(_ console: Console) async throws
}

extension PouchCommand {
  var isLive: Bool { false }
}

/// The options that every command takes.
struct CommonOptions: ParsableArguments, Sendable {
  @Flag(help: "Print for machines: JSON, a line each, also for errors and progress.") var json = false
  @Flag(name: .shortAndLong, help: "Show no progress.") var quiet = false
}
