public import PouchCore

/// Which identities this installation has dealt with, and under which names.
///
/// A name never identifies. But if one that was seen with one key comes with another, somebody may be posing, and the
/// user is warned.
public struct KnownIdentities: Sendable, Hashable {
  /// What is known of an identity.
  public struct Entry: Sendable, Hashable {
    public let fingerprint: Fingerprint
    /// The names it used, the latest last; at most ``KnownIdentities/namesPerIdentity``.
    public fileprivate(set) var names: [String]
    /// When it was last dealt with, in seconds since 1970 by the machine's clock; for people only.
    public fileprivate(set) var lastMet: Int

    /// Whether it used a name that looks like this one.
    fileprivate func has(_ name: String) -> Bool {
      let likeness = ShownText.likeness(of: name)
      return !likeness.isEmpty && names.contains { ShownText.likeness(of: $0) == likeness }
    }
  }

  /// How an identity and its name look beside what is known.
  public enum Standing: Sendable, Hashable {
    /// Dealt with before, and this name is not another identity's.
    case known
    /// Never dealt with, and this name is new.
    case new
    /// The name was seen with these other keys: a reason to warn.
    case nameOfOthers([Fingerprint])
  }

  /// How many names of an identity are kept; the oldest makes room.
  public static let namesPerIdentity = 8

  /// The least recently met first.
  private var entries: [Entry] = []

  public init() {}

  /// Everybody known, the least recently met first.
  public var all: [Entry] { entries }

  /// How an identity that comes under a name is to be seen. Nothing is remembered by this.
  ///
  /// Names that look the same are the same: case, white space and characters that do not show make no difference.
  public func standing(of fingerprint: Fingerprint, named name: String) -> Standing {
    let own = entries.first { $0.fingerprint == fingerprint }
    // An identity that had the name before has it still, whoever else took it.
    if let own, own.has(name) { return .known }
    let others = entries.filter { $0.fingerprint != fingerprint && $0.has(name) }.map(\.fingerprint)
    if !others.isEmpty { return .nameOfOthers(others) }
    return own == nil ? .new : .known
  }

  /// Remembers an identity that was let in, or whose share was opened.
  ///
  /// At ``TrustLimits/knownIdentities`` the least recently met is dropped.
  /// - Parameters:
  ///   - name: what it was called; empty, or longer than ``TrustLimits/name`` bytes, for none.
  ///   - date: seconds since 1970 by the machine's clock.
  public mutating func remember(_ fingerprint: Fingerprint, named name: String, at date: Int) {
    var entry = Entry(fingerprint: fingerprint, names: [], lastMet: date)
    if let index = entries.firstIndex(where: { $0.fingerprint == fingerprint }) { entry = entries.remove(at: index) }
    entry.lastMet = date
    entry.names.removeAll { $0 == name }
    if !name.isEmpty, name.utf8.count <= TrustLimits.name { entry.names.append(name) }
    entry.names = entry.names.suffix(KnownIdentities.namesPerIdentity)
    entries.append(entry)
    if entries.count > TrustLimits.knownIdentities { entries.removeFirst() }
  }

  /// Forgets an identity. Its connections are to be closed and its tickets revoked.
  /// - Returns: whether it was known.
  @discardableResult
  public mutating func forget(_ fingerprint: Fingerprint) -> Bool {
    let count = entries.count
    entries.removeAll { $0.fingerprint == fingerprint }
    return entries.count < count
  }
}

// MARK: - JSON

extension KnownIdentities {
  /// The list as JSON: `{known: [{fingerprint, names, met}]}`.
  public var json: JSON {
    let known = entries.map { entry -> JSON in
      [
        "fingerprint": JSON(entry.fingerprint.text),
        "names": .array(entry.names.map { JSON($0) }),
        "met": JSON(entry.lastMet),
      ]
    }
    return ["known": .array(known)]
  }

  /// A list that was saved; damaged entries are left out.
  public init(_ json: JSON) {
    for member in json["known"]?.array ?? [] {
      guard let fingerprint = member["fingerprint"]?.string.flatMap({ Fingerprint($0) }) else { continue }
      let met = member["met"]?.int ?? 0
      remember(fingerprint, named: "", at: met)
      for name in member["names"]?.array?.compactMap(\.string) ?? [] { remember(fingerprint, named: name, at: met) }
    }
  }
}
