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
  /// - Throws: ``PouchError/Code/corrupt`` if the list is damaged: nothing replaces it silently, or names that are known
  ///   would be free for others; ``PouchError/Code/ioError``.
  func knownIdentities() throws(PouchError) -> KnownIdentities {
    try known(try knownFile.read())
  }

  /// Changes the list, whatever other processes do to it at the same time.
  /// - Throws: as ``knownIdentities()``.
  func updateKnownIdentities(_ change: (inout KnownIdentities) -> Void) throws(PouchError) {
    try knownFile.update { (saved) throws(PouchError) in
      var known = try known(saved)
      change(&known)
      return JSONText(known.json).bytes
    }
  }

  private func known(_ saved: [UInt8]?) throws(PouchError) -> KnownIdentities {
    guard let saved else { return KnownIdentities() }
    guard let json = try? JSON(parsing: saved), json["known"]?.array != nil else { throw damaged(knownFile) }
    return KnownIdentities(json)
  }

  private func damaged(_ file: PrivateFile) -> PouchError {
    PouchError(.corrupt, "\(file.path) is damaged. Restore it, or remove it to begin anew.")
  }

  // MARK: Forgotten identities

  private var forgottenFile: PrivateFile { PrivateFile(path: path + "/forgotten.json") }

  /// Whom this installation was told to forget.
  /// - Throws: ``PouchError/Code/corrupt`` if the list is damaged, ``PouchError/Code/ioError``.
  func forgottenIdentities() throws(PouchError) -> ForgottenIdentities {
    try forgotten(try forgottenFile.read())
  }

  /// Notes that an identity is to be forgotten, for the shares of all processes.
  /// - Throws: as ``forgottenIdentities()``.
  func forget(_ fingerprint: Fingerprint) throws(PouchError) {
    try forgottenFile.update { (saved) throws(PouchError) in
      var forgotten = try forgotten(saved)
      forgotten.add(fingerprint)
      return JSONText(forgotten.json).bytes
    }
  }

  private func forgotten(_ saved: [UInt8]?) throws(PouchError) -> ForgottenIdentities {
    // A list that was removed goes on above the numbers that shares have dealt with, or they would not notice.
    guard let saved else {
      return ForgottenIdentities(after: savedShares.map { ShareLedger.forgotten($0.json) }.max() ?? 0)
    }
    guard let forgotten = ForgottenIdentities(saved: saved) else { throw damaged(forgottenFile) }
    return forgotten
  }

  /// Tells that the list of forgotten identities is another one than before, whatever changed it.
  var forgottenMark: FileMark? { FileMark(of: forgottenFile.path) }

  // MARK: Shares

  /// `shares/<id>-<hub>.json`, where the hub is 64 bits of its name's SHA-256: a database that is shared on several hubs has
  /// a gate and tickets on each.
  private func shareFile(_ share: ShareAddress) -> PrivateFile { PrivateFile(path: sharePath(share) + ".json") }

  private func sharePath(_ share: ShareAddress) -> String {
    let hub = Hexadecimal.text(SHA256.hash(data: Array(share.hub.text.utf8)).prefix(8))
    return path + "/shares/\(share.share.text)-\(hub)"
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

  /// Notes that a share is running.
  /// - Returns: `nil` if it is already, in another process or by another peer.
  func lock(_ share: ShareAddress) throws(PouchError) -> FileLock? { try FileLock.take(sharePath(share) + ".lock") }

  /// What was kept of all shares, with the path of each file without its ending.
  private var savedShares: [(path: String, json: JSON)] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path + "/shares")) ?? []
    return names.filter { $0.hasSuffix(".json") }.compactMap { name in
      let file = PrivateFile(path: "\(path)/shares/\(name)")
      return (try? file.read()).flatMap { try? JSON(parsing: $0) }.map { (String(file.path.dropLast(5)), $0) }
    }
  }

  /// Removes what was kept of shares that were for once, as of `send`, and whose process was killed: those that do not run
  /// and have nothing but tickets whose time is over.
  /// - Parameter date: seconds since 1970 by the machine's clock.
  func sweepShares(at date: Int) {
    for (path, json) in savedShares where ShareLedger.isOver(json, at: date) {
      guard let lock = try? FileLock.take(path + ".lock") else { continue }
      withExtendedLifetime(lock) { PrivateFile(path: path + ".json").remove() }
    }
  }
}
