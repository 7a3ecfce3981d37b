import Dispatch
import PouchCore
import Synchronization

/// The documents of one batch on their way to the writer, which writes the first of them while the next are prepared.
///
/// One task adds, slice by slice; the writer's thread, which may block, takes. It may take again from the start, since a
/// write that shared its transaction with one that failed is done anew.
final class PreparedBatch: Sendable {
  typealias Slice = [Result<PreparedDocument, PouchError>]

  private struct Contents {
    var slices: [Slice] = []
    /// How adding has ended, once it has.
    var end: Result<Void, PouchError>?
  }

  private let contents = Mutex(Contents())
  private let news = DispatchSemaphore(value: 0)

  func add(_ slice: Slice) {
    contents.withLock { $0.slices.append(slice) }
    news.signal()
  }

  /// Nothing more is added: all is there, or the rest could not be prepared.
  func end(_ result: Result<Void, PouchError> = .success(())) {
    contents.withLock { $0.end = result }
    news.signal()
  }

  /// The slice of a number, as soon as it is there; `nil` after the last.
  /// - Throws: what kept it from being prepared.
  func slice(_ number: Int) throws(PouchError) -> Slice? {
    while true {
      let found: Result<Slice?, PouchError>? = contents.withLock { contents in
        if number < contents.slices.count { return .success(contents.slices[number]) }
        return contents.end.map { $0.map { nil } }
      }
      if let found { return try found.get() }
      news.wait()
    }
  }

  /// All that was added.
  var documents: [Result<PreparedDocument, PouchError>] { contents.withLock { Array($0.slices.joined()) } }
}
