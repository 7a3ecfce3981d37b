import Foundation

/// A value of an answer or an event.
enum Field: Encodable, Sendable {
  case text(String)
  case whole(Int)
  case real(Double)
  case flag(Bool)
  case list([Field])
  case members([String: Field])
  case none

  /// `none` for `nil`.
  init(_ whole: (some BinaryInteger)?) {
    self = whole.map { .whole(Int($0)) } ?? .none
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .text(let value): try container.encode(value)
    case .whole(let value): try container.encode(value)
    case .real(let value): try container.encode(value)
    case .flag(let value): try container.encode(value)
    case .list(let value): try container.encode(value)
    case .members(let value): try container.encode(value)
    case .none: try container.encodeNil()
    }
  }
}

/// The lines that this peer writes, one after the other.
///
/// They are written on a queue of its own, so that nobody waits for whoever reads them.
enum Output {
  private static let queue = DispatchQueue(label: "output")

  static func say(_ members: [String: Field]) {
    queue.async {
      do {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try FileHandle.standardOutput.write(contentsOf: encoder.encode(members) + Data("\n".utf8))
      } catch {
        complain("\(members.keys.sorted()) cannot be written: \(error)")
      }
    }
  }

  static func event(_ kind: String, _ members: [String: Field]) {
    say(members.merging(["event": .text(kind)]) { member, _ in member })
  }

  /// Waits until all is written.
  static func flush() {
    queue.sync {}
  }
}
