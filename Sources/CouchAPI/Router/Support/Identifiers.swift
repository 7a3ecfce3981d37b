import PouchCore
import Synchronization

/// Random names.
enum Identifiers {
  /// 32 hexadecimal digits, as CouchDB's servers and documents have.
  static func random() -> String {
    Hexadecimal.text(UInt64.random(in: .min ... .max)) + Hexadecimal.text(UInt64.random(in: .min ... .max))
  }

  /// 10 hexadecimal digits, to find a request in a log by.
  static func request() -> String { String(Hexadecimal.text(UInt64.random(in: .min ... .max)).suffix(10)) }
}

/// Ids for new documents: CouchDB's `sequential` ones, a random beginning and a rising end, since rising ids are stored
/// several times faster than random ones.
final class DocumentIDs: Sendable {
  private struct State {
    var prefix: String
    var count: UInt64
  }

  private static let prefixDigits = 26
  private static let countDigits = 6
  /// How far apart two ids are at most, so that the next one is not known from the last.
  private static let stride: UInt64 = 0xFFE

  private let state: Mutex<State>

  /// - Parameter prefix: the beginning of the ids; random unless given.
  init(prefix: String? = nil) {
    state = Mutex(State(prefix: prefix ?? DocumentIDs.randomPrefix, count: 0))
  }

  private static var randomPrefix: String { String(Identifiers.random().prefix(prefixDigits)) }

  /// 32 hexadecimal digits that no other call returns.
  func next() -> String {
    state.withLock { state in
      state.count += .random(in: 1...DocumentIDs.stride)
      if state.count >= 1 << (4 * UInt64(DocumentIDs.countDigits)) {
        state = State(prefix: DocumentIDs.randomPrefix, count: 0)
      }
      return state.prefix + Hexadecimal.text(state.count).suffix(DocumentIDs.countDigits)
    }
  }
}
