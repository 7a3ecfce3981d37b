/// Paths to values within values: `a.b`, and `a.0` into arrays.
public enum FieldPath {
  /// What stands at a path.
  public enum Found: Sendable, Hashable {
    case found(JSON)
    /// An object on the way does not have the member.
    case missing
    /// A value on the way has no members, or an array no such element.
    case unreachable
  }

  /// Reads a path.
  ///
  /// Segments are separated by dots that have no backslash before them; backslashes are taken out, wherever they stand.
  /// - Throws: ``PouchError/Code/badRequest`` with CouchDB's `invalid_field_name` if a segment is empty.
  public static func parse(_ text: String) throws(PouchError) -> [ExactString] {
    var segments: [[UInt8]] = [[]]
    var isEscaped = false
    var isEmpty = true
    for byte in text.utf8 {
      switch byte {
      case 0x2E where !isEscaped:
        guard !isEmpty else { throw malformed(text) }
        segments.append([])
        isEmpty = true
      case 0x5C: isEmpty = false
      default:
        segments[segments.count - 1].append(byte)
        isEmpty = false
      }
      isEscaped = byte == 0x5C
    }
    guard !isEmpty else { throw malformed(text) }
    return segments.map { ExactString(String(decoding: $0, as: UTF8.self)) }
  }

  private static func malformed(_ text: String) -> PouchError {
    PouchError(.badRequest, named: "invalid_field_name", "Invalid field name: \(text)")
  }

  /// Follows a path.
  public static func look(_ path: some Collection<ExactString>, in value: JSON) -> Found {
    var current = value
    for segment in path {
      switch current {
      case .object(let members):
        guard let member = members[segment] else { return .missing }
        current = member
      case .array(let elements):
        guard let index = Int(segment.string), elements.indices.contains(index) else { return .unreachable }
        current = elements[index]
      default: return .unreachable
      }
    }
    return .found(current)
  }
}
