import Foundation

/// Prints figures as they come.
struct Report {
  enum Form {
    /// For people: columns, and whether the goal is met.
    case table
    /// For programs: a JSON object per line.
    case lines
  }

  private let form: Form
  private var total = 0
  private var met = 0

  init(form: Form) {
    self.form = form
    if form == .table { Report.show(Report.row("figure", "value", "unit", "ratio", "against", "goal", "met")) }
  }

  mutating func add(_ figure: Figure) {
    if figure.hasGoal {
      total += 1
      if figure.meetsGoal { met += 1 }
    }
    switch form {
    case .lines: Report.show(Report.line(figure))
    case .table:
      Report.show(
        Report.row(
          figure.name, Report.number(figure.value), figure.unit, figure.ratio.map(Report.short) ?? "–",
          figure.against ?? "–", Report.text(of: figure.goal), !figure.hasGoal ? "" : figure.meetsGoal ? "yes" : "NO"))
    }
  }

  func finish() {
    if form == .table { Report.show("\(met) of \(total) goals met") }
  }

  /// Writes a line at once, also to a file or a pipe.
  private static func show(_ line: String) {
    FileHandle.standardOutput.write(Data((line + "\n").utf8))
  }

  private static func row(
    _ name: String, _ value: String, _ unit: String, _ ratio: String, _ against: String, _ goal: String, _ met: String
  ) -> String {
    left(name, 33) + right(value, 12) + "  " + left(unit, 10) + right(ratio, 7) + "  " + left(against, 22)
      + left(goal, 24) + met
  }

  private static func left(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }

  private static func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(1, width - text.count)) + text
  }

  private static func text(of goal: Goal) -> String {
    switch goal {
    case .ratioAtLeast(let least): "ratio ≥ \(short(least))"
    case .atLeast(let least): "≥ \(number(least))"
    case .below(let bound): "< \(number(bound))"
    case .either(let value, let ratio): "≥ \(number(value)) or ratio ≥ \(short(ratio))"
    case .ratioAtMost(let most): "ratio ≤ \(short(most))"
    case .none: "–"
    }
  }

  private static func line(_ figure: Figure) -> String {
    let ratio = figure.ratio.map { String(format: "%.3f", $0) } ?? "null"
    let against = figure.against.map { "\"\($0)\"" } ?? "null"
    let value = String(format: "%.2f", figure.value)
    return """
      {"name":"\(figure.name)","value":\(value),"unit":"\(figure.unit)","ratio":\(ratio),"against":\(against),\
      "runs":\(figure.runs)}
      """
  }

  private static func short(_ value: Double) -> String { String(format: "%.2f", value) }

  /// Thousands separated; decimals only for small numbers.
  private static func number(_ value: Double) -> String {
    guard abs(value) >= 100 else { return String(format: value == value.rounded() ? "%.0f" : "%.2f", value) }
    var digits = Array(String(Int(value.rounded())))
    for position in stride(from: digits.count - 3, to: 0, by: -3) where digits[position - 1] != "-" {
      digits.insert(",", at: position)
    }
    return String(digits)
  }
}
