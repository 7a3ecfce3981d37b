#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// How values of Swift types become JSON and back. Dates are ISO 8601 texts, data is base64, keys are sorted.
public enum JSONCoding {
  /// A new encoder with the settings that documents use.
  public static func encoder() -> JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.dateEncodingStrategy = .iso8601
    return encoder
  }

  /// A new decoder with the settings that documents use.
  public static func decoder() -> JSONDecoder {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    return decoder
  }
}

extension JSONText {
  /// The JSON of a value, by Foundation's encoder with ``JSONCoding``.
  /// - Throws: what the value's encoding throws.
  public init(encoding value: some Encodable) throws {
    try self.init(JSONCoding.encoder().encode(value))
  }

  /// Decodes a value, by Foundation's decoder with ``JSONCoding``.
  /// - Throws: `DecodingError` when the text does not fit the type.
  public func decoded<Value: Decodable>(as type: Value.Type) throws -> Value {
    try JSONCoding.decoder().decode(type, from: Data(bytes))
  }
}

extension JSON: Codable {
  public init(from decoder: any Decoder) throws {
    if let container = try? decoder.container(keyedBy: Member.self) {
      var object = Object()
      for key in container.allKeys {
        object[ExactString(key.stringValue)] = try container.decode(JSON.self, forKey: key)
      }
      self = .object(object)
      return
    }
    if var container = try? decoder.unkeyedContainer() {
      var array: [JSON] = []
      while !container.isAtEnd { array.append(try container.decode(JSON.self)) }
      self = .array(array)
      return
    }
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Int64.self) {
      self = JSON(value)
    } else if let value = try? container.decode(UInt64.self) {
      self = JSON(value)
    } else if let value = try? container.decode(Double.self), let number = Number(value) {
      self = .number(number)
    } else {
      self = JSON(try container.decode(String.self))
    }
  }

  /// Numbers are encoded as the nearest value that Swift has; texts beyond every integer type become doubles.
  public func encode(to encoder: any Encoder) throws {
    switch self {
    case .object(let object):
      var container = encoder.container(keyedBy: Member.self)
      for (key, value) in object { try container.encode(value, forKey: Member(key.string)) }
    case .array(let array):
      var container = encoder.unkeyedContainer()
      for value in array { try container.encode(value) }
    case .null:
      var container = encoder.singleValueContainer()
      try container.encodeNil()
    case .bool(let value):
      var container = encoder.singleValueContainer()
      try container.encode(value)
    case .string(let value):
      var container = encoder.singleValueContainer()
      try container.encode(value.string)
    case .number(let number):
      var container = encoder.singleValueContainer()
      if let value = Int64(number.text) {
        try container.encode(value)
      } else if let value = UInt64(number.text) {
        try container.encode(value)
      } else {
        try container.encode(number.double)
      }
    }
  }

  private struct Member: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(_ text: String) { stringValue = text }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { stringValue = String(intValue) }
  }
}
