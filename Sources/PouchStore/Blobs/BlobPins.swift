import Synchronization

/// The blobs that this process is reading or uploading, which sweeping spares.
final class BlobPins: Sendable {
  private let counts = Mutex<[Int64: Int]>([:])

  /// Spares a blob until the returned pin is dropped.
  func pin(_ blob: Int64) -> Pin {
    counts.withLock { $0[blob, default: 0] += 1 }
    return Pin(blob, self)
  }

  /// The blobs that are pinned now.
  var pinned: Set<Int64> { counts.withLock { Set($0.keys) } }

  fileprivate func release(_ blob: Int64) {
    counts.withLock { counts in
      guard let count = counts[blob] else { return }
      counts[blob] = count > 1 ? count - 1 : nil
    }
  }

  final class Pin: Sendable {
    let blob: Int64
    private let pins: BlobPins

    fileprivate init(_ blob: Int64, _ pins: BlobPins) {
      self.blob = blob
      self.pins = pins
    }

    deinit {
      pins.release(blob)
    }
  }
}
