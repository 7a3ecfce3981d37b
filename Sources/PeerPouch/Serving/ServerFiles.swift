import Crypto
import Foundation
import PouchCore

/// What a server keeps in its folder beside the databases: its identity and the secret of its own admin
/// (`server.json`), and while it runs where it listens (`running.json`). Only the folder's owner can read them.
struct ServerFiles {
  /// The identity of a server.
  struct Identity: Codable, Sendable {
    /// The `uuid` of `GET /`.
    var uuid: String
    /// The password of the admin that the server made up for its own machine's user.
    var secret: String
  }

  /// A server that runs.
  struct Running: Codable, Sendable {
    var url: String
    var process: Int32
    /// Whether ``Identity/secret`` is what it wants to hear.
    var takesSecret: Bool
  }

  /// The name of the admin whose password is ``Identity/secret``.
  static let adminName = "admin"

  let folder: String

  private var identityPath: String { folder + "/server.json" }
  private var runningPath: String { folder + "/running.json" }

  /// The identity, which is made up by the first call.
  func identity() throws -> Identity {
    if let identity: Identity = read(identityPath) { return identity }
    let identity = Identity(uuid: ServerFiles.random(), secret: ServerFiles.random())
    try write(identity, to: identityPath)
    return identity
  }

  func announce(_ running: Running) throws { try write(running, to: runningPath) }

  func withdraw() { try? FileManager.default.removeItem(atPath: runningPath) }

  /// The password to use with a server of this folder that runs and listens at this origin.
  ///
  /// Nobody else gets to hear it: a process that took over the port after the server ended is not in the file.
  func secret(for origin: String) -> String? {
    guard let running: Running = read(runningPath), running.takesSecret, running.url == origin,
      kill(running.process, 0) == 0, let identity: Identity = read(identityPath)
    else { return nil }
    return identity.secret
  }

  /// 128 random bits in hexadecimal.
  private static func random() -> String {
    SymmetricKey(size: .bits128).withUnsafeBytes { bytes in
      bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
  }

  private func read<Value: Decodable>(_ path: String) -> Value? {
    guard let data = FileManager.default.contents(atPath: path) else { return nil }
    return try? JSONDecoder().decode(Value.self, from: data)
  }

  /// Writes a file for the owner only, all of it or nothing. Nobody else can read it at any time: it is made with its
  /// rights, while `FileManager` would set them afterwards.
  private func write(_ value: some Encodable, to path: String) throws {
    let temporary = path + ".new"
    try? FileManager.default.removeItem(atPath: temporary)
    let failure = PouchError(.ioError, "The file \(path) could not be written.")
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure }
    let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    try file.write(contentsOf: try JSONEncoder().encode(value))
    try file.close()
    guard rename(temporary, path) == 0 else { throw failure }
  }
}
