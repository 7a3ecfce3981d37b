import Foundation
import PouchCore
import Testing

@Suite("JSON as Foundation reads and writes it")
struct JSONAgreementTests {
  /// Whether a value means what Foundation's reader made of the same text.
  private func agree(_ ours: JSON, _ theirs: Any) -> Bool {
    switch (ours, theirs) {
    case (.null, is NSNull): true
    case (.bool(let ours), let theirs as NSNumber): isBoolean(theirs) && ours == theirs.boolValue
    case (.number(let ours), let theirs as NSNumber):
      !isBoolean(theirs) && ours.double == double(of: theirs) && Int(ours.text).map { $0 == theirs.intValue } ?? true
    case (.string(let ours), let theirs as String): ours == ExactString(theirs)
    case (.array(let ours), let theirs as [Any]): ours.count == theirs.count && zip(ours, theirs).allSatisfy(agree)
    case (.object(let ours), let theirs as [String: Any]):
      ours.count == theirs.count
        && ours.allSatisfy { name, value in theirs[name.string].map { agree(value, $0) } ?? false }
    default: false
    }
  }

  private func isBoolean(_ number: NSNumber) -> Bool {
    "\(type(of: number))".contains("Boolean")
  }

  /// Foundation reads many digits as a decimal number, whose `doubleValue` is not the nearest.
  private func double(of number: NSNumber) -> Double? {
    number is NSDecimalNumber ? Double(number.stringValue) : number.doubleValue
  }

  @Test(arguments: 0..<500 as Range<UInt64>)
  func `both read the same out of a text`(_ seed: UInt64) throws {
    var random = RandomJSON(seed: seed)
    let value = random.value()
    let text = random.spelled(value)
    let ours = try JSON(parsing: text)
    #expect(ours == value, "\(text)")
    let theirs = try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
    #expect(agree(ours, theirs), "\(text)")
  }

  @Test(arguments: 0..<300 as Range<UInt64>)
  func `Foundation reads what we write`(_ seed: UInt64) throws {
    var random = RandomJSON(seed: seed)
    let value = random.value()
    for bytes in [JSONText(value).bytes, JSONText(value).canonicalBytes] {
      let theirs = try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
      #expect(agree(value, theirs), "\(value.text)")
    }
  }

  @Test(arguments: 0..<300 as Range<UInt64>)
  func `we read what Foundation writes`(_ seed: UInt64) throws {
    var random = RandomJSON(seed: seed)
    let text = random.spelled(.object(random.object()))
    let theirs = try JSONSerialization.jsonObject(with: Data(text.utf8))
    for options: JSONSerialization.WritingOptions in [[], .prettyPrinted, .sortedKeys] {
      let written = try JSONSerialization.data(withJSONObject: theirs, options: options)
      #expect(agree(try JSON(parsing: written), theirs), "\(text)")
    }
  }

  @Test(arguments: 0..<300 as Range<UInt64>)
  func `what we take, Foundation takes`(_ seed: UInt64) throws {
    var random = RandomJSON(seed: seed)
    let text = Array(random.spelled(random.value()).utf8)
    for _ in 0..<20 {
      var bytes = text
      let index = Int.random(in: 0..<bytes.count, using: &random.generator)
      switch Int.random(in: 0..<3, using: &random.generator) {
      case 0: bytes[index] = .random(in: 0x01...0x7F, using: &random.generator)
      case 1: bytes.remove(at: index)
      default: bytes.insert(.random(in: 0x01...0x7F, using: &random.generator), at: index)
      }
      guard let ours = try? JSON(parsing: bytes), isFinite(ours) else { continue }
      #expect(throws: Never.self, "\(String(decoding: bytes, as: UTF8.self))") {
        try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
      }
    }
  }

  /// Whether every number is within the range of doubles, beyond which Foundation refuses what JSON allows.
  private func isFinite(_ json: JSON) -> Bool {
    switch json {
    case .number(let number): number.double.isFinite
    case .array(let elements): elements.allSatisfy(isFinite)
    case .object(let object): object.allSatisfy { isFinite($0.value) }
    default: true
    }
  }
}
