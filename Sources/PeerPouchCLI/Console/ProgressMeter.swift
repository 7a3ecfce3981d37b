import PeerPouch

/// How far something is, as a value: what was done when, and the sentences about it. Time is passed in.
struct ProgressMeter: Sendable {
  enum Unit: Sendable, Hashable {
    case bytes
    /// Things that are counted, by their name in the plural.
    case count(String)
  }

  /// What is done, as one word.
  var activity: String
  var unit: Unit
  var done: Int64 = 0
  var total: Int64?
  /// More to say, such as a count beside the bytes.
  var detail: String?
  private var start: ContinuousClock.Instant
  private var shown: ContinuousClock.Instant

  init(_ activity: String, in unit: Unit, of total: Int64? = nil, start: ContinuousClock.Instant) {
    self.activity = activity
    self.unit = unit
    self.total = total
    self.start = start
    shown = start
  }

  /// Has the rate count from now on.
  mutating func begin(at now: ContinuousClock.Instant) { start = now }

  /// Whether it is time to show again, which then counts as done.
  mutating func isDue(at now: ContinuousClock.Instant, every interval: Duration) -> Bool {
    guard now - shown >= interval else { return false }
    shown = now
    return true
  }

  /// Sets the total to what is done and what is pending, which may be any number, since sources tell it.
  mutating func setTotal(pending: [Int]) {
    let sum = pending.reduce(done) { sum, pending in
      let (sum, overflow) = sum.addingReportingOverflow(Int64(pending))
      return overflow ? .max : sum
    }
    total = sum > done ? sum : nil
  }

  /// Units per second since the start.
  func rate(at now: ContinuousClock.Instant) -> Double? {
    let elapsed = (now - start) / .seconds(1)
    return elapsed > 0 && done > 0 ? Double(done) / elapsed : nil
  }

  /// Seconds until all is done, at the rate so far.
  func secondsLeft(at now: ContinuousClock.Instant) -> Double? {
    guard let total, total >= done, let rate = rate(at: now) else { return nil }
    return Double(total - done) / rate
  }

  /// Such as `load: 12 MB of 120 MB (10%), 40,000 documents, 6.1 MB/s, 18 s left`.
  func sentence(at now: ContinuousClock.Instant) -> String {
    var parts: [String] = []
    if let total, total > 0 {
      let percent = min(100, Int(Double(done) / Double(total) * 100))
      parts.append("\(amount(done, of: total)) (\(percent)%)")
    } else {
      parts.append(amount(done))
    }
    if let detail { parts.append(detail) }
    if let rate = rate(at: now) { parts.append("\(amount(Int64(rate), named: false))/s") }
    if let left = secondsLeft(at: now) { parts.append("\(ProgressMeter.duration(left)) left") }
    return "\(activity): \(parts.joined(separator: ", "))"
  }

  /// The same for machines.
  func json(at now: ContinuousClock.Instant) -> JSON {
    var object: JSON.Object = ["activity": JSON(activity), "done": JSON(done)]
    if let total { object["total"] = JSON(total) }
    switch unit {
    case .bytes: object["unit"] = "bytes"
    case .count(let things): object["unit"] = JSON(things)
    }
    if let rate = rate(at: now) { object["rate"] = JSON(Int64(rate)) }
    let left = secondsLeft(at: now).flatMap { Int64(exactly: $0.rounded(.up)) }
    if let left { object["seconds_left"] = JSON(left) }
    return ["progress": .object(object)]
  }

  private func amount(_ value: Int64, of total: Int64? = nil, named: Bool = true) -> String {
    switch unit {
    case .bytes: ProgressMeter.size(value) + (total.map { " of \(ProgressMeter.size($0))" } ?? "")
    case .count(let things):
      ProgressMeter.grouped(value) + (total.map { " of \(ProgressMeter.grouped($0))" } ?? "")
        + (named ? " \(things)" : "")
    }
  }

  /// Such as `1.5 MB`; powers of 1,000.
  static func size(_ bytes: Int64) -> String {
    var value = Double(bytes)
    var units = ["B", "kB", "MB", "GB", "TB"][...]
    while abs(value) >= 1000, units.count > 1 {
      value /= 1000
      units.removeFirst()
    }
    let isExact = units.first == "B" || value >= 100
    return "\(isExact ? String(Int(value)) : String(Double(Int(value * 10)) / 10)) \(units.first ?? "")"
  }

  /// Such as `1 document` or `12,345 documents`.
  static func counted(_ value: Int, _ thing: String) -> String {
    "\(grouped(Int64(value))) \(thing)\(value == 1 ? "" : "s")"
  }

  /// Such as `12,345`.
  static func grouped(_ value: Int64) -> String {
    let digits = Array(String(value.magnitude))
    var text = value < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index).isMultiple(of: 3) { text += "," }
      text.append(digit)
    }
    return text
  }

  /// Such as `18 s` or `3 min 20 s`.
  static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 360_000 else { return "long" }
    let whole = Int(seconds.rounded(.up))
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
    return "\(whole / 3600) h \(whole / 60 % 60) min"
  }
}
