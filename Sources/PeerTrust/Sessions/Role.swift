/// Which side of an opening somebody is on.
public enum Role: String, Sendable, Hashable, CaseIterable {
  /// Shares the database, and answers.
  case sharer
  /// Opens it, and offers.
  case opener

  public var other: Role { self == .sharer ? .opener : .sharer }

  /// What the ids of this side's signals begin with, the seed's.
  var prefix: String { self == .sharer ? "s-signal-" : "p-signal-" }

  /// `direction`: where signals of this side go.
  var direction: String { self == .sharer ? "SO" : "OS" }
}

/// `sid`: which opening. The opener draws it anew for each offer.
public struct SessionID: Sendable, Hashable, CustomStringConvertible {
  /// 16 bytes.
  let bytes: [UInt8]

  init(using generator: inout some RandomNumberGenerator) {
    bytes = .random(16, using: &generator)
  }

  /// - Returns: `nil` unless these are 16 bytes.
  init?(_ bytes: [UInt8]) {
    guard bytes.count == 16 else { return nil }
    self.bytes = bytes
  }

  /// An id from the `sender` or `recipient` of a signal.
  /// - Returns: `nil` unless the text is 16 bytes in base64url.
  public init?(_ text: String) {
    guard let bytes = Base64URL.decode(text) else { return nil }
    self.init(bytes)
  }

  /// The id as signals have it: base64url, 22 characters.
  public var text: String { Base64URL.encode(bytes) }
  public var description: String { text }
}
