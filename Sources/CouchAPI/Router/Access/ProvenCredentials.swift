import Synchronization

/// The `Authorization` headers that were right lately, so that a client which sends its own with every request is checked
/// once: digests cost more than all else that reading a request takes.
///
/// Comparing takes the same time wherever two headers of one length differ. Wrong headers are not kept.
final class ProvenCredentials: Sendable {
  private struct Entry {
    let header: [UInt8]
    let principal: Principal
  }

  /// How many are kept; a further one takes the place of the oldest.
  static let capacity = 8

  private let entries = Mutex<[Entry]>([])

  /// Whose a header is, if it was right lately.
  func principal(for header: String) -> Principal? {
    entries.withLock { entries in
      var found: Principal?
      for entry in entries where ProvenCredentials.isEqual(entry.header, header) { found = entry.principal }
      return found
    }
  }

  /// Remembers a header that is right.
  func keep(_ header: String, for principal: Principal) {
    entries.withLock { entries in
      if entries.count >= ProvenCredentials.capacity { entries.removeFirst() }
      entries.append(Entry(header: Array(header.utf8), principal: principal))
    }
  }

  private static func isEqual(_ left: [UInt8], _ right: String) -> Bool {
    let right = right.utf8
    guard left.count == right.count else { return false }
    var difference: UInt8 = 0
    for (one, other) in zip(left, right) { difference |= one ^ other }
    return difference == 0
  }
}
