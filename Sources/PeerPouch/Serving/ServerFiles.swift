import Crypto
import Foundation
import PouchCore

/// What a server keeps in its folder beside the databases: its identity and the secret of its own admin
/// (`server.json`), and while it runs where it listens (`running.json`). Only the folder's owner can read them.
///
/// A server holds a lock on `running.json` (`flock`), which the system releases however the server ends: a file that was
/// left over by one that was killed is known by it, whoever has its port or its number as a process by then.
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
    try write(identity, to: identityPath).close()
    return identity
  }

  /// Tells where a server listens, until the announcement is withdrawn or gone.
  func announce(_ running: Running) throws -> Announcement {
    Announcement(path: runningPath, try write(running, to: runningPath, isLocked: true))
  }

  /// That a server runs.
  final class Announcement: Sendable {
    private let path: String
    private let file: FileHandle

    fileprivate init(path: String, _ file: FileHandle) {
      self.path = path
      self.file = file
    }

    /// Removes the file, unless it is another server's by now.
    func withdraw() {
      var own = stat()
      var current = stat()
      if fstat(file.fileDescriptor, &own) == 0, stat(path, &current) == 0, own.st_ino == current.st_ino {
        try? FileManager.default.removeItem(atPath: path)
      }
      try? file.close()
    }
  }

  /// The password to use with a server of this folder that runs and listens at this origin.
  ///
  /// Nobody else gets to hear it: a process that took over the port after the server ended holds no lock on the file.
  func secret(for origin: String) -> String? {
    let descriptor = open(runningPath, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    guard flock(descriptor, LOCK_SH | LOCK_NB) != 0, errno == EWOULDBLOCK,
      let data = try? file.readToEnd(), let running = try? JSONDecoder().decode(Running.self, from: data),
      running.takesSecret, running.url == origin, let identity: Identity = read(identityPath)
    else { return nil }
    return identity.secret
  }

  /// 128 random bits in hexadecimal.
  private static func random() -> String {
    SymmetricKey(size: .bits128).withUnsafeBytes { Hexadecimal.text($0) }
  }

  private func read<Value: Decodable>(_ path: String) -> Value? {
    guard let data = FileManager.default.contents(atPath: path) else { return nil }
    return try? JSONDecoder().decode(Value.self, from: data)
  }

  /// Writes a file for the owner only, all of it or nothing. Nobody else can read it at any time: it is made with its
  /// rights, while `FileManager` would set them afterwards.
  /// - Parameter isLocked: whether the lock of the file is held from before others can see it until the file is closed.
  /// - Returns: the open file.
  private func write(_ value: some Encodable, to path: String, isLocked: Bool = false) throws -> FileHandle {
    let temporary = path + ".new"
    try? FileManager.default.removeItem(atPath: temporary)
    let failure = PouchError(.ioError, "The file \(path) could not be written.")
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure }
    let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    if isLocked { guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw failure } }
    try file.write(contentsOf: try JSONEncoder().encode(value))
    guard rename(temporary, path) == 0 else { throw failure }
    return file
  }
}
