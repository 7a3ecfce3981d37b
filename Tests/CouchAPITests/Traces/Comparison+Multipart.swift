import HTTPTypes
import PouchCore

@testable import CouchAPI

extension Comparison {
  /// Compares the parts of two multipart bodies: what their headers say, JSON by its meaning, attachments by bytes.
  mutating func compareMultipart(_ recorded: [UInt8], _ own: [UInt8], _ type: String, _ ownType: String) {
    do {
      let theirs = try Self.parts(recorded, type)
      let ours = try Self.parts(own, ownType)
      guard theirs.count == ours.count else {
        differences.append(.body("\(ours.count) parts, recorded \(theirs.count)"))
        return
      }
      for (recorded, own) in pairs(theirs, ours) { compareParts(recorded, own) }
    } catch {
      differences.append(.body("no multipart body: \(error)"))
    }
  }

  /// Parts that belong together: attachments by their names, documents that are the same. Neither leaves nor
  /// attachments have a common order; what remains is taken in the order it has.
  private func pairs(_ theirs: [Part], _ ours: [Part]) -> [(Part, Part)] {
    var pairs: [(Part, Part)] = []
    var remaining = ours
    var unpaired: [Part] = []
    for recorded in theirs {
      let name = recorded.headers[.contentDisposition]
      let document = try? JSON(parsing: names.translate(String(decoding: recorded.content, as: UTF8.self)))
      let index = remaining.firstIndex { own in
        if let name { return own.headers[.contentDisposition] == name }
        guard let document else { return false }
        return (try? JSON(parsing: own.content)) == document
      }
      if let index { pairs.append((recorded, remaining.remove(at: index))) } else { unpaired.append(recorded) }
    }
    return pairs + zip(unpaired, remaining)
  }

  private mutating func compareParts(_ recorded: Part, _ own: Part) {
    for name in [HTTPField.Name.contentType, .contentDisposition, .contentLength, .contentEncoding] {
      let theirs = recorded.headers[name].map { normalized($0) }
      let ours = own.headers[name].map { normalized($0) }
      if theirs != ours {
        differences.append(.body("part has \(name) \(ours ?? "none"), recorded \(theirs ?? "none")"))
      }
    }
    let type = recorded.headers[.contentType] ?? ""
    compareBodies(recorded.content, own.content, type, own.headers[.contentType] ?? "")
  }

  private struct Part {
    let headers: HTTPFields
    var content: [UInt8] = []
  }

  private static func parts(_ body: [UInt8], _ type: String) throws(PouchError) -> [Part] {
    var parser = try MultipartParser(boundary: ParameterizedValue(type).parameters["boundary"] ?? "")
    parser.receive(body)
    var parts: [Part] = []
    while let event = try parser.next() {
      switch event {
      case .part(let headers): parts.append(Part(headers: headers))
      case .bytes(let bytes): parts[parts.count - 1].content += bytes
      case .endOfPart: break
      case .end: return parts
      }
    }
    try parser.finish()
    return parts
  }
}
