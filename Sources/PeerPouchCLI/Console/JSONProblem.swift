import PeerPouch

extension PouchError {
  /// The reason, and where in a text that is no JSON the trouble is.
  var explanation: String {
    guard let error = underlying as? JSONError, let place = error.place else { return reason }
    return "\(reason): \(place)"
  }
}

extension JSONError {
  /// What cannot be, and where; `nil` for limits, whose reasons tell it.
  fileprivate var place: String? {
    let after = "after \(ProgressMeter.counted(offset, "byte"))"
    return switch problem {
    case .unexpectedEnd: offset == 0 ? "it is empty" : "it ends within a value, \(after)"
    case .unexpectedByte(let byte) where (0x21..<0x7F).contains(byte): "unexpected \(Unicode.Scalar(byte)) \(after)"
    case .unexpectedByte: "unexpected byte \(after)"
    case .invalidUTF8: "no UTF-8 \(after)"
    case .loneSurrogate: "half a surrogate pair \(after)"
    case .tooDeep, .tooLarge: nil
    }
  }
}
