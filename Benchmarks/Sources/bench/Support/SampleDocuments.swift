/// The documents that benchmarks write: 300 bytes of JSON each.
struct SampleDocuments {
  /// The order of ids.
  enum IDs: String, Sendable {
    /// Ascending.
    case sequential
    /// Spread evenly.
    case random
  }

  /// A document as a program has it before it is written.
  struct Sample: Sendable {
    let id: String
    /// The whole document with its `_id`.
    let json: [UInt8]
    /// The document without its `_id`: what the store keeps as the body.
    let body: [UInt8]
  }

  static let size = 300
  static let batch = 500

  let ids: IDs

  func id(_ number: Int) -> String {
    let digits: String
    switch ids {
    case .sequential: digits = String(number)
    // Multiplying by an odd number takes no two numbers to the same id.
    case .random: digits = String(UInt64(number) &* 0x9E37_79B9_7F4A_7C15, radix: 16)
    }
    return "note-" + String(repeating: "0", count: 16 - digits.count) + digits
  }

  func sample(_ number: Int) -> Sample {
    let id = id(number)
    let start = #"{"_id":"\#(id)","#
    // The keys are in no order, as those of most programs.
    let fields =
      #""type":"note","author":"Ada \#(number % 97)","count":\#(number),"done":false,"tags":["home","shop"],"text":""#
    let fill = size(start, fields)
    var text = ""
    while text.utf8.count < fill { text += "milk, bread and a dozen eggs " }
    let rest = fields + text.prefix(fill) + "\"}"
    return Sample(id: id, json: Array((start + rest).utf8), body: Array(("{" + rest).utf8))
  }

  private func size(_ start: String, _ fields: String) -> Int {
    SampleDocuments.size - start.utf8.count - fields.utf8.count - 2
  }

  /// Consecutive samples.
  func samples(_ range: Range<Int>) -> [Sample] { range.map { sample($0) } }
}
