import PouchCore

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Where databases that are opened by a plain name are.
public enum PouchHome {
  /// The folder: `$PEERPOUCH_HOME` if set; else on Linux `$XDG_DATA_HOME/peerpouch` or `~/.local/share/peerpouch`, on
  /// macOS `~/Library/Application Support/PeerPouch`.
  public static var folder: String {
    let environment = ProcessInfo.processInfo.environment
    if let home = environment["PEERPOUCH_HOME"], !home.isEmpty { return home }
    let home = environment["HOME"] ?? "."
    #if os(macOS)
      return home + "/Library/Application Support/PeerPouch"
    #else
      if let data = environment["XDG_DATA_HOME"], data.hasPrefix("/") { return data + "/peerpouch" }
      return home + "/.local/share/peerpouch"
    #endif
  }

  /// Whether a text is a plain name, which can be a file's name on every platform.
  public static func isName(_ name: String) -> Bool {
    guard (1...200).contains(name.utf8.count), let first = name.utf8.first, first != 0x2D else { return false }
    return name.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
      case UInt8(ascii: "_"), UInt8(ascii: "$"), UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "+"),
        UInt8(ascii: "-"):
        true
      default: false
      }
    }
  }

  /// The file of a named database; the folder is made if it is missing, for its owner's eyes only.
  /// - Throws: ``PouchError/Code/ioError`` if the folder cannot be made.
  public static func path(of name: String) throws -> String {
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw PouchError(.ioError, "The folder \(folder) could not be made.", underlying: error)
    }
    return folder + "/" + name + ".pouch"
  }
}
