import ArgumentParser
import PeerPouch

/// How a command finds other peers, and connects to them.
struct ConnectionOptions: ParsableArguments, Sendable {
  @Option(
    help: ArgumentHelp(
      """
      The hub: a database that all peers can reach. By default that of $PEERPOUCH_HUB or 'peerpouch config hub'. A user \
      and password in it are used for this hub wherever it is named, and told to nobody else.
      """,
      valueName: "database"))
  var hub: String?
  @Option(
    name: .customLong("ice-server"),
    help: ArgumentHelp(
      """
      A STUN or TURN server: stun:HOST, or turn:HOST,USER,CREDENTIAL; may be given several times. By default those of \
      $PEERPOUCH_ICE_SERVERS, which keeps credentials out of the list of processes, or 'peerpouch config ice-servers'.
      """,
      valueName: "server"))
  var iceServers: [String] = []
  @Flag(help: "Use the STUN and TURN servers that the hub offers, too.") var iceFromHub = false
  @Flag(help: "Connect by TURN servers only, so that the other side does not learn this machine's addresses.")
  var relayOnly = false
  @Option(
    help: ArgumentHelp(
      """
      An address of this machine that takes part; may be given several times. By default those of $PEERPOUCH_ADDRESSES, \
      or all but loopback ones if there are others.
      """))
  var address: [String] = []
  @Option(
    name: .customLong("as"),
    help: ArgumentHelp("What to call yourself to the other side; at most 128 bytes.", valueName: "name"))
  var ownName: String?

  func validate() throws {
    if let ownName { try ConnectionOptions.check(name: ownName) }
    #if WebRTC
      for server in iceServers { _ = try IceServerArgument.read(server) }
    #endif
  }

  /// - Throws: `ValidationError` for a name that is too long to be told.
  static func check(name: String) throws {
    guard name.utf8.count <= TrustLimits.name else {
      throw ValidationError("The name has more than \(TrustLimits.name) bytes.")
    }
  }

  /// The hub that is meant where none is named.
  /// - Throws: ``UsageError`` if there is none, and what reading the settings throws.
  var chosenHub: String {
    get throws {
      if let hub = try hub ?? PeerEnvironment.hub ?? Settings.read().hub { return hub }
      throw UsageError(reason: "Which hub? Name it with --hub, or once and for all with 'peerpouch config hub'.")
    }
  }

  /// What the other side is told of this one.
  var info: JSON {
    get throws {
      guard let name = try ownName ?? Settings.read().name else { return [:] }
      return ["name": JSON(name)]
    }
  }
}
