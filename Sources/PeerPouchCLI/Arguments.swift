public import ArgumentParser
public import PeerPouch

// How the values of the database are written as arguments.

extension RevisionID: ExpressibleByArgument {
  public init?(argument: String) {
    guard let revision = try? RevisionID(argument) else { return nil }
    self = revision
  }
}

extension DocumentID: ExpressibleByArgument {
  public init?(argument: String) {
    self.init(argument)
  }
}

extension Fingerprint: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}

extension AttachmentRange: ExpressibleByArgument {
  /// `START-END` with the end included, `START-`, or `-COUNT`.
  public init?(argument: String) {
    let parts = argument.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, argument.utf8.allSatisfy({ $0 == 0x2D || (0x30...0x39).contains($0) }) else { return nil }
    switch (Int64(parts[0]), Int64(parts[1])) {
    case (let start?, let end?):
      guard start <= end, end < .max else { return nil }
      self = .bytes(start..<end + 1)
    case (let start?, nil):
      guard parts[1].isEmpty else { return nil }
      self = .from(start)
    case (nil, let count?):
      guard parts[0].isEmpty else { return nil }
      self = .suffix(count)
    case (nil, nil): return nil
    }
  }
}
