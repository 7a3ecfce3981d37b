import HTTPTypes
import PouchCore

/// The headers of a part: read from its first lines, and written to them.
enum MultipartHeaders {
  /// Reads the lines before the content.
  /// - Parameter block: lines that end with CR and LF, the last of them empty.
  /// - Throws: ``PouchError/Code/badRequest`` for lines that are no headers.
  static func parse(_ block: ArraySlice<UInt8>) throws(PouchError) -> HTTPFields {
    var fields = HTTPFields()
    for line in try lines(of: block) {
      guard let colon = line.firstIndex(of: 0x3A),
        let name = HTTPField.Name(String(decoding: line[..<colon], as: UTF8.self))
      else { throw MultipartParser.malformed("a header of a part has no name") }
      let value = line[line.index(after: colon)...].trimmingSpace
      guard HTTPField.isValidValue(value) else {
        throw MultipartParser.malformed("a header of a part has control characters")
      }
      fields.append(HTTPField(name: name, value: value))
    }
    return fields
  }

  /// The lines, those that were folded (RFC 5322, section 2.2.3) put together.
  private static func lines(of block: ArraySlice<UInt8>) throws(PouchError) -> [[UInt8]] {
    var lines: [[UInt8]] = []
    var rest = block
    while let end = rest.firstIndex(of: 0x0D) {
      guard end + 1 < rest.endIndex, rest[end + 1] == 0x0A else {
        throw MultipartParser.malformed("a line of a part's headers does not end with CR and LF")
      }
      let line = rest[..<end]
      rest = rest[(end + 2)...]
      if line.isEmpty { break }
      if let last = lines.indices.last, line.first == 0x20 || line.first == 0x09 {
        lines[last] += [0x20] + line.trimmingSpace
      } else {
        lines.append(Array(line))
      }
    }
    return lines
  }

  /// Appends the headers and the empty line behind them.
  static func write(_ fields: HTTPFields, to bytes: inout [UInt8]) {
    for field in fields {
      bytes += "\(field.name.rawName): \(field.value)\r\n".utf8
    }
    bytes += "\r\n".utf8
  }
}

extension Collection<UInt8> {
  fileprivate var trimmingSpace: [UInt8] {
    var bytes = Array(drop { $0 == 0x20 || $0 == 0x09 })
    while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
    return bytes
  }
}
