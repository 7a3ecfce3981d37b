extension DataChannel {
  /// What goes over a channel: whole, as it was sent.
  public enum Message: Hashable, Sendable {
    /// UTF-8 on the wire. What a peer sends that is not gets replacement characters, as in browsers.
    case text(String)
    case binary([UInt8])

    /// Its size on the wire in bytes.
    public var byteCount: Int {
      switch self {
      case .text(let text): text.utf8.count
      case .binary(let bytes): bytes.count
      }
    }
  }
}

/// A message on its way out.
struct OutgoingMessage: Sendable {
  var bytes: [UInt8]
  var payload: PayloadProtocol

  init(control bytes: [UInt8]) {
    self.bytes = bytes
    payload = .control
  }

  /// SCTP knows no empty messages: one byte stands for none, and the protocol says so (RFC 8831, section 6.6).
  init(_ message: DataChannel.Message) {
    switch message {
    case .text(let text):
      bytes = Array(text.utf8)
      payload = bytes.isEmpty ? .emptyText : .text
    case .binary(let binary):
      bytes = binary
      payload = bytes.isEmpty ? .emptyBinary : .binary
    }
    if bytes.isEmpty { bytes = [0] }
  }
}

extension DataChannel.Message {
  /// Reads a message as it came; `nil` if it is not one of WebRTC's.
  init?(_ bytes: UnsafeRawBufferPointer, _ payload: PayloadProtocol) {
    switch payload {
    case .text: self = .text(String(decoding: bytes, as: UTF8.self))
    case .binary: self = .binary(Array(bytes))
    case .emptyText: self = .text("")
    case .emptyBinary: self = .binary([])
    case .control, .other: return nil
    }
  }
}
