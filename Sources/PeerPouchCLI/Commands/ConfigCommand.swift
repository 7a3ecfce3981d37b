import ArgumentParser
import PeerPouch

struct ConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "Sets what other commands then need not be told.",
    discussion: """
      It is kept in config.json in $PEERPOUCH_HOME, by default the platform's data folder, for your eyes only. Options \
      and the environment come before it.
      """,
    subcommands: [Show.self, Hub.self, IceServers.self, IceFromHub.self, Name.self], defaultSubcommand: Show.self)

  struct Show: PouchCommand {
    static let configuration = CommandConfiguration(abstract: "Prints the settings, without passwords.")

    @OptionGroup var common: CommonOptions

    func perform(_ console: Console) async throws {
      let settings = try Settings.read()
      let hub = settings.hub.map { (try? HTTPCarrier($0).url) ?? $0 }
      let servers = settings.iceServers.map { String($0.prefix { $0 != "," }) }
      guard !console.isJSON else {
        var object: JSON.Object = [:]
        object["hub"] = hub.map { JSON($0) }
        object["ice_servers"] = .array(servers.map { JSON($0) })
        object["ice_from_hub"] = JSON(settings.usesHubServers)
        object["name"] = settings.name.map { JSON($0) }
        try console.print(json: .object(object))
        return
      }
      if let hub { try console.print(["hub", hub]) }
      for server in servers { try console.print(["ice-server", server]) }
      try console.print(["ice-from-hub", settings.usesHubServers ? "on" : "off"])
      if let name = settings.name { try console.print(["name", name]) }
    }
  }

  struct Hub: PouchCommand {
    static let configuration = CommandConfiguration(
      abstract: "Sets the hub that is meant where none is named.",
      discussion: """
        A URL such as http://USER:PASSWORD@HOST:5984/hub. With - it is read from standard input, so that the password \
        does not stand in the list of processes. Without a hub the setting is removed.
        """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The database.") var hub: DatabaseName?

    func perform(_ console: Console) async throws {
      let hub = try hub?.resolved(console).text
      if let hub, hub.contains("://"), !PeerPlace.isMeant(by: hub) { _ = try HTTPCarrier(hub) }
      try Settings.update { $0.hub = hub }
    }
  }

  struct IceServers: PouchCommand {
    static let configuration = CommandConfiguration(
      abstract: "Sets the STUN and TURN servers that find paths between networks.",
      discussion: """
        stun:HOST, or turn:HOST,USER,CREDENTIAL; HOST may be HOST:PORT, and turn:HOST:PORT?transport=tcp and turns: are \
        taken too. With - they are read from standard input, with white space between them, so that credentials do not \
        stand in the list of processes. Without servers the setting is removed.
        """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The servers.") var servers: [String] = []

    func validate() throws {
      if servers != ["-"] { try check(servers) }
    }

    private func check(_ servers: [String]) throws {
      #if WebRTC
        for server in servers { _ = try IceServerArgument.read(server) }
      #endif
    }

    func perform(_ console: Console) async throws {
      var servers = servers
      if servers == ["-"] {
        let input = try InputFile("-", console.interruption).all(upTo: IceServers.longest)
        servers = String(decoding: input, as: UTF8.self).split(whereSeparator: \.isWhitespace).map(String.init)
        try check(servers)
      }
      try Settings.update { [servers] in $0.iceServers = servers }
    }

    /// In bytes; far more than anybody has servers.
    private static let longest = 1 << 20
  }

  struct IceFromHub: PouchCommand {
    static let configuration = CommandConfiguration(
      abstract: "Says whether the STUN and TURN servers that hubs offer are used, too.",
      discussion: """
        A hub offers them in the document _design/peerpouch. Whoever can write it chooses servers that learn the addresses \
        of those who use them; what goes between peers they can neither read nor change.
        """)

    enum Choice: String, ExpressibleByArgument, Sendable, CaseIterable {
      case on
      case off
    }

    @OptionGroup var common: CommonOptions
    @Argument(help: "on or off.") var choice: Choice

    func perform(_ console: Console) async throws {
      try Settings.update { $0.usesHubServers = choice == .on }
    }
  }

  struct Name: PouchCommand {
    static let configuration = CommandConfiguration(
      abstract: "Sets what to call yourself to other peers.",
      discussion: "It is shown to those whose databases you open, and proves nothing. Without a name it is removed.")

    @OptionGroup var common: CommonOptions
    @Argument(help: "At most 128 bytes.") var name: String?

    func validate() throws {
      if let name { try ConnectionOptions.check(name: name) }
    }

    func perform(_ console: Console) async throws {
      try Settings.update { $0.name = name }
    }
  }
}
