import Foundation
import PeerPouch

/// What the command is told once and for all: the file `config.json` in `PouchHome.folder`.
///
/// It may hold the hub's password, and is for its owner's eyes only.
struct Settings: Sendable {
  /// The URL, name or path of the hub, with a user and password if it asks for them.
  var hub: String?
  /// STUN and TURN servers, as ``ConnectionOptions/iceServers`` has them.
  var iceServers: [String] = []
  /// Whether servers that a hub offers are used too.
  var usesHubServers = false
  /// What to call oneself to other peers.
  var name: String?
  /// What a newer version keeps here.
  private var others: JSON.Object = [:]

  private static var file: PrivateFile { PrivateFile(path: PouchHome.folder + "/config.json") }

  /// - Throws: `PouchError` of the code `corrupt` if the file is no JSON object, `forbidden` if others can read it, or
  ///   `ioError`.
  static func read() throws -> Settings { try Settings(saved: file.read()) }

  /// Changes the settings, whatever other processes do to them at the same time.
  static func update(_ change: (inout Settings) -> Void) throws {
    // The folder is made if it is missing.
    _ = try PouchHome.path(of: "config")
    try file.update { (saved: [UInt8]?) throws(PouchError) -> [UInt8] in
      var settings = try Settings(saved: saved)
      change(&settings)
      return JSONText(settings.json).bytes
    }
  }

  private init(saved: [UInt8]?) throws(PouchError) {
    guard let saved else { return }
    guard let object = (try? JSON(parsing: saved))?.object else {
      throw PouchError(.corrupt, "\(Settings.file.path) is no JSON object.")
    }
    others = object
    hub = object["hub"]?.string
    iceServers = object["ice_servers"]?.array?.compactMap(\.string) ?? []
    usesHubServers = object["ice_from_hub"]?.bool ?? false
    name = object["name"]?.string
  }

  private var json: JSON {
    var object = others
    object["hub"] = hub.map { JSON($0) }
    object["ice_servers"] = iceServers.isEmpty ? nil : .array(iceServers.map { JSON($0) })
    object["ice_from_hub"] = usesHubServers ? true : nil
    object["name"] = name.map { JSON($0) }
    return .object(object)
  }
}

/// What the environment says of peers.
enum PeerEnvironment {
  /// `PEERPOUCH_HUB`: the hub, as `--hub`.
  static var hub: String? { value("PEERPOUCH_HUB") }
  /// `PEERPOUCH_ICE_SERVERS`: STUN and TURN servers, with white space between them.
  static var iceServers: [String]? { list("PEERPOUCH_ICE_SERVERS") }
  /// `PEERPOUCH_ADDRESSES`: the machine's addresses that take part, with white space between them.
  static var addresses: [String]? { list("PEERPOUCH_ADDRESSES") }

  private static func value(_ name: String) -> String? {
    ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
  }

  private static func list(_ name: String) -> [String]? {
    value(name).map { $0.split(whereSeparator: \.isWhitespace).map(String.init) }
  }
}
