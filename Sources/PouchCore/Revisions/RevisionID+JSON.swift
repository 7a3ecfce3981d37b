extension JSONSlice {
  /// The revision id, if this is a string that is one. Faster than by way of a `String`.
  public var revision: RevisionID? {
    guard isString else { return nil }
    let known = bytes.withUnsafeBufferPointer { quoted in
      RevisionID(digestForm: UnsafeBufferPointer(rebasing: quoted[1..<quoted.count - 1]))
    }
    return known ?? string.flatMap { try? RevisionID($0) }
  }
}

extension JSONWriter {
  /// Appends a revision id as a JSON string.
  public mutating func write(_ revision: RevisionID) {
    guard let (high, low) = revision.digestWords else { return write(revision.description) }
    raw(byte: 0x22)
    write(revision.generation)
    raw(byte: 0x2D)
    writeDigits(of: high)
    writeDigits(of: low)
    raw(byte: 0x22)
  }
}
