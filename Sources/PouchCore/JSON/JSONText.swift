/// JSON in its stored form: checked, minified UTF-8 without duplicate keys.
///
/// Reading a text does all of the checking in one pass; afterwards the bytes are trusted and can be spliced into a
/// response or a feed as they are. Minified means:
/// no white space outside of strings, and strings with the fewest escapes (`"`, `\` and control characters only), so
/// no line break can occur. Number texts and the order of keys stay. Of duplicate keys the last wins, at its place.
public struct JSONText: Sendable, Hashable {
  /// The minified bytes.
  public let bytes: [UInt8]
  /// Whether the keys of every object are in ascending order, which makes the text its own canonical form.
  let hasSortedKeys: Bool
  /// Whether the bytes were checked since they came into this process.
  private let isChecked: Bool

  /// Whether the text can be a document's body as it is: it went through the scanner, whose bounds a value made in memory
  /// may pass, and none of its own members is one of CouchDB's.
  let isBody: Bool

  /// Takes over bytes that hold what the type promises.
  init(trusted bytes: [UInt8], hasSortedKeys: Bool, isBody: Bool) {
    self.bytes = bytes
    self.hasSortedKeys = hasSortedKeys
    self.isBody = isBody
    isChecked = true
  }

  /// This text, checked; `null` if it is damaged.
  var checked: JSONText {
    if isChecked { return self }
    return (try? JSONText(bytes)) ?? JSONText(trusted: Array("null".utf8), hasSortedKeys: true, isBody: false)
  }

  /// Takes over bytes that an engine stored as a `JSONText` before.
  ///
  /// They are handed on as they are; before they are looked into they are checked again, since a damaged file must not
  /// crash its reader.
  public init(stored bytes: [UInt8]) {
    self.bytes = bytes
    hasSortedKeys = false
    isChecked = false
    isBody = false
  }

  /// Reads, checks and minifies a text.
  /// - Throws: ``JSONError`` with the offset of the first problem.
  public init(_ text: some Sequence<UInt8>, limits: JSONLimits = .standard) throws(JSONError) {
    self = try JSONScanner.scan(text, limits: limits).text
  }

  /// Reads, checks and minifies a text.
  /// - Throws: ``JSONError`` with the offset of the first problem.
  public init(_ text: String, limits: JSONLimits = .standard) throws(JSONError) {
    self = try JSONScanner.scan(text.utf8, limits: limits).text
  }

  /// The text of a value.
  public init(_ json: JSON) {
    var writer = JSONWriter()
    writer.write(json)
    self.init(trusted: writer.bytes, hasSortedKeys: false, isBody: false)
  }

  /// `{}`
  public static let emptyObject = JSONText(trusted: [0x7B, 0x7D], hasSortedKeys: true, isBody: true)

  /// Whether the text is an object.
  public var isObject: Bool { bytes.first == 0x7B }

  /// The text as a value; `null` if it was stored and is damaged.
  public var json: JSON {
    var parser = JSONParser(trusted: checked.bytes)
    return parser.value()
  }

  /// The text as a string.
  public var string: String { String(decoding: bytes, as: UTF8.self) }

  public static func == (left: JSONText, right: JSONText) -> Bool { left.bytes == right.bytes }
  public func hash(into hasher: inout Hasher) { hasher.combine(bytes) }
}

extension JSON {
  /// Reads a JSON text.
  /// - Throws: ``JSONError`` with the offset of the first problem.
  public init(parsing text: some Sequence<UInt8>, limits: JSONLimits = .standard) throws(JSONError) {
    self = try JSONText(text, limits: limits).json
  }

  /// Reads a JSON text.
  /// - Throws: ``JSONError`` with the offset of the first problem.
  public init(parsing text: String, limits: JSONLimits = .standard) throws(JSONError) {
    self = try JSONText(text, limits: limits).json
  }

  /// The minified text of the value.
  public var text: String { JSONText(self).string }
}
