import CNice

/// Datagrams that are sent together, one after the other in one buffer.
struct DatagramBatch: ~Copyable {
  private let bytes: UnsafeMutableRawBufferPointer
  private let lengths: UnsafeMutableBufferPointer<UInt32>
  private let largest: Int
  private var count = 0
  private var used = 0

  /// - Parameter largest: the most bytes that a datagram has.
  init(largest: Int) {
    self.largest = largest
    bytes = .allocate(byteCount: largest * Int(cnice_batch), alignment: 16)
    lengths = .allocate(capacity: Int(cnice_batch))
  }

  deinit {
    bytes.deallocate()
    lengths.deallocate()
  }

  var isEmpty: Bool { count == 0 }
  var isFull: Bool { count == lengths.count }

  /// Adds a datagram, unless it is too large or there is no room.
  mutating func append(_ datagram: UnsafeRawBufferPointer) {
    guard datagram.count <= largest, !isFull else { return }
    UnsafeMutableRawBufferPointer(rebasing: bytes[used...]).copyMemory(from: datagram)
    lengths[count] = UInt32(datagram.count)
    used += datagram.count
    count += 1
  }

  mutating func removeAll() {
    count = 0
    used = 0
  }

  func withDatagrams(_ body: (UnsafeMutablePointer<UInt8>, UnsafeBufferPointer<UInt32>) -> Void) {
    guard let start = bytes.assumingMemoryBound(to: UInt8.self).baseAddress else { return }
    body(start, UnsafeBufferPointer(rebasing: lengths[..<count]))
  }
}
