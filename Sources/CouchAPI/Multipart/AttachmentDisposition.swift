import PouchCore

/// The name of an attachment in `Content-Disposition` (RFC 6266).
enum AttachmentDisposition {
  /// The header's value. Names are written as CouchDB does, in quotes and UTF-8; what could end the quotes or the line
  /// is encoded (RFC 8187), for names are any text.
  static func value(name: String) -> String {
    let isPlain = name.unicodeScalars.allSatisfy { scalar in
      scalar.value >= 0x20 && scalar.value != 0x22 && scalar.value != 0x5C && !(0x7F...0x9F).contains(scalar.value)
    }
    return isPlain
      ? "attachment; filename=\"\(name)\"" : "attachment; filename*=UTF-8''\(PercentCoding.encode(name))"
  }

  /// The name in a header's value, if there is one.
  static func name(in value: String) -> String? {
    let parameters = ParameterizedValue(value).parameters
    if let extended = parameters["filename*"] {
      let parts = extended.split(separator: "'", maxSplits: 2, omittingEmptySubsequences: false)
      // A plus sign stands for itself here.
      if parts.count == 3, parts[0].lowercased() == "utf-8",
        let name = try? PercentCoding.decode(parts[2].replacing("+", with: "%2B"))
      {
        return name
      }
    }
    return parameters["filename"]
  }
}
