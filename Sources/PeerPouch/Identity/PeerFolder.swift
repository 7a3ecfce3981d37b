import Crypto
import Foundation
import PeerTrust
import PouchCore

/// What an installation keeps about itself and others, in files of mode 0600: `identity.pem`, `known.json`,
/// `forgotten.json`, and in `shares` a file for each share with its tickets.
struct PeerFolder: Sendable {
  let path: String

  /// - Throws: ``PouchError/Code/ioError`` if the folder cannot be made.
  init(_ path: String) throws(PouchError) {
    self.path = path
    do {
      try FileManager.default.createDirectory(
        atPath: path + "/shares", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw PouchError(.ioError, "The folder \(path) could not be made.", underlying: error)
    }
  }

  // MARK: Identity

  /// The identity of this installation; a new one at the first use.
  /// - Throws: ``PouchError/Code/corrupt`` if the file has no key: a lost key is a lost identity, which nothing replaces
  ///   silently; ``PouchError/Code/forbidden`` if others can read it; ``PouchError/Code/ioError``.
  func identity(using generator: inout some RandomNumberGenerator) throws(PouchError) -> Identity {
    let file = PrivateFile(path: path + "/identity.pem")
    if let identity = try Self.identity(in: file) { return identity }
    let identity = Identity(using: &generator)
    if try file.create(identity.saved) { return identity }
    // Another process was faster.
    guard let other = try Self.identity(in: file) else { throw PouchError(.ioError, "\(file.path) has disappeared.") }
    return other
  }

  private static func identity(in file: PrivateFile) throws(PouchError) -> Identity? {
    guard let saved = try file.read() else { return nil }
    guard let identity = Identity(saved: saved) else {
      throw PouchError(.corrupt, "\(file.path) holds no identity. Without it, this installation is another one.")
    }
    return identity
  }

  // MARK: Known identities

  private var knownFile: PrivateFile { PrivateFile(path: path + "/known.json") }

  /// Whom this installation has dealt with.
  func knownIdentities() throws(PouchError) -> KnownIdentities {
    Self.known(try knownFile.read())
  }

  /// Changes the list, whatever other processes do to it at the same time.
  func updateKnownIdentities(_ change: (inout KnownIdentities) -> Void) throws(PouchError) {
    try knownFile.update { saved in
      var known = Self.known(saved)
      change(&known)
      return JSONText(known.json).bytes
    }
  }

  private static func known(_ saved: [UInt8]?) -> KnownIdentities {
    guard let saved, let json = try? JSON(parsing: saved) else { return KnownIdentities() }
    return KnownIdentities(json)
  }

  // MARK: Forgotten identities

  private var forgottenFile: PrivateFile { PrivateFile(path: path + "/forgotten.json") }

  /// Whom this installation was told to forget.
  func forgottenIdentities() throws(PouchError) -> ForgottenIdentities {
    ForgottenIdentities(saved: try forgottenFile.read())
  }

  /// Notes that an identity is to be forgotten, for the shares of all processes.
  func forget(_ fingerprint: Fingerprint) throws(PouchError) {
    try forgottenFile.update { saved in
      var forgotten = ForgottenIdentities(saved: saved)
      forgotten.add(fingerprint)
      return JSONText(forgotten.json).bytes
    }
  }

  /// Tells that the list of forgotten identities is another one than before, whatever changed it.
  var forgottenMark: FileMark? { FileMark(of: forgottenFile.path) }

  // MARK: Shares

  /// `shares/<id>-<hub>.json`, where the hub is 64 bits of its name's SHA-256: a database that is shared on several hubs has
  /// a gate and tickets on each.
  private func shareFile(_ share: ShareAddress) -> PrivateFile {
    let hub = SHA256.hash(data: Array(share.hub.text.utf8)).prefix(8).map { byte in
      (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
    return PrivateFile(path: path + "/shares/\(share.share.text)-\(hub.joined()).json")
  }

  /// What was kept of a share, in the form that ``ShareLedger`` gives it.
  func share(_ share: ShareAddress) throws(PouchError) -> JSON? {
    guard let saved = try shareFile(share).read() else { return nil }
    return try? JSON(parsing: saved)
  }

  func keep(_ json: JSON, of share: ShareAddress) throws(PouchError) {
    try shareFile(share).write(JSONText(json).bytes)
  }

  /// Keeps nothing of a share any more.
  func discard(_ share: ShareAddress) { shareFile(share).remove() }
}
