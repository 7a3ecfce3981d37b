import PeerTrust
import PouchCore

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Whom an installation was told to forget, in the order in which it was: how a process tells those that share at the same
/// time, and those that will share again.
///
/// Each has a number. A share keeps the number of the last one that it has dealt with beside its tickets, so that an
/// identity which was forgotten while nobody shared loses its tickets, and one that redeems a new ticket later does not.
struct ForgottenIdentities: Sendable {
  /// The oldest first.
  private var entries: [(fingerprint: Fingerprint, number: Int)] = []
  /// The number of the last one; 0 before the first.
  private(set) var last = 0

  /// An empty list, whose numbers come after one that was used.
  init(after number: Int = 0) {
    last = number
  }

  /// The list as it was saved: `{n, forgotten: [{fingerprint, n}]}`; damaged entries are left out.
  /// - Returns: `nil` if it is no such list.
  init?(saved: [UInt8]) {
    guard let json = try? JSON(parsing: saved), let members = json["forgotten"]?.array else { return nil }
    for member in members {
      guard let fingerprint = member["fingerprint"]?.string.flatMap({ Fingerprint($0) }), let number = member["n"]?.int,
        (1..<TrustLimits.integer).contains(number)
      else { continue }
      entries.append((fingerprint, number))
    }
    let highest = entries.map(\.number).max() ?? 0
    last = max(highest, min(max(0, json["n"]?.int ?? 0), TrustLimits.integer - 1))
  }

  /// Adds an identity. Beyond ``TrustLimits/knownIdentities`` the oldest makes room.
  mutating func add(_ fingerprint: Fingerprint) {
    last += 1
    entries.removeAll { $0.fingerprint == fingerprint }
    entries.append((fingerprint, last))
    if entries.count > TrustLimits.knownIdentities { entries.removeFirst() }
  }

  /// Those that came after a number.
  func after(_ number: Int) -> [Fingerprint] {
    entries.filter { $0.number > number }.map(\.fingerprint)
  }

  var json: JSON {
    let forgotten = entries.map { fingerprint, number -> JSON in
      ["fingerprint": JSON(fingerprint.text), "n": JSON(number)]
    }
    return ["n": JSON(last), "forgotten": .array(forgotten)]
  }
}

/// Tells whether a file that is always replaced as a whole was replaced.
struct FileMark: Sendable, Hashable {
  private let file: UInt64
  private let seconds: Int
  private let nanoseconds: Int

  /// - Returns: `nil` if there is no such file.
  init?(of path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    file = UInt64(status.st_ino)
    #if canImport(Darwin)
      (seconds, nanoseconds) = (status.st_mtimespec.tv_sec, status.st_mtimespec.tv_nsec)
    #else
      (seconds, nanoseconds) = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
    #endif
  }
}
