import PouchCore

/// A member that is missing, or not what it must be.
struct Flaw: Error {
  let member: String
}

/// The members of a JSON object from outside, each read with its bounds. Members that nobody asks for are ignored.
struct Fields {
  private let members: JSON.Object

  /// - Throws: a flaw of this name if the value is no object.
  init(_ json: JSON?, named name: String) throws(Flaw) {
    guard let members = json?.object else { throw Flaw(member: name) }
    self.members = members
  }

  /// The members of a text from outside.
  /// - Throws: a flaw named `json` if it is no JSON object within the limits.
  init(parsing text: [UInt8]) throws(Flaw) {
    let limits = JSONLimits(depth: TrustLimits.depth)
    try self.init(try? JSON(parsing: text, limits: limits), named: "json")
  }

  func has(_ name: String) -> Bool { members[ExactString(name)] != nil }

  func value(_ name: String) -> JSON? { members[ExactString(name)] }

  func fields(_ name: String) throws(Flaw) -> Fields {
    try Fields(value(name), named: name)
  }

  /// - Parameter limit: the most bytes of UTF-8.
  func text(_ name: String, upTo limit: Int) throws(Flaw) -> String {
    guard let text = value(name)?.string, text.utf8.count <= limit else { throw Flaw(member: name) }
    return text
  }

  /// Bytes in canonical base64url.
  func bytes(_ name: String) throws(Flaw) -> [UInt8] {
    guard let text = value(name)?.string, let bytes = Base64URL.decode(text) else { throw Flaw(member: name) }
    return bytes
  }

  /// Exactly so many bytes in canonical base64url.
  func bytes(_ name: String, count: Int) throws(Flaw) -> [UInt8] {
    let bytes = try bytes(name)
    guard bytes.count == count else { throw Flaw(member: name) }
    return bytes
  }

  /// An integer that JavaScript counts exactly.
  func integer(_ name: String, from least: Int) throws(Flaw) -> Int {
    guard let value = value(name)?.int, (least...TrustLimits.integer).contains(value) else { throw Flaw(member: name) }
    return value
  }

  func identity(_ name: String) throws(Flaw) -> IdentityKey {
    guard let key = IdentityKey(try bytes(name)) else { throw Flaw(member: name) }
    return key
  }

  /// Any JSON of at most ``TrustLimits/info`` bytes, nested less deep than ``TrustLimits/depth``.
  func info(_ name: String) throws(Flaw) -> JSON {
    guard let info = value(name), info.isInfo else { throw Flaw(member: name) }
    return info
  }
}

extension JSON {
  /// Whether the value is small and flat enough to be the `info` of a share or of an opener, within an object.
  var isInfo: Bool {
    let text = JSONText(self)
    return text.bytes.count <= TrustLimits.info && JSONSlice(text).depth < TrustLimits.depth
  }
}

extension Result where Failure == Flaw {
  /// The value, with a flaw turned into the rejection of a document's form.
  func orForm() throws(Rejection) -> Success {
    do throws(Flaw) { return try get() } catch { throw .form(error.member) }
  }

  /// The value, with a flaw turned into the rejection of what was sealed or signed.
  func orBody() throws(Rejection) -> Success {
    do throws(Flaw) { return try get() } catch { throw .body(error.member) }
  }
}
