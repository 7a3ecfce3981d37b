/// One thing that is measured, under a name that may stand for several figures.
protocol Benchmark: Sendable {
  /// The name, which the names of all of its figures begin with.
  var name: String { get }

  /// Measures.
  /// - Parameter runs: how often; in each run what is measured and what it is compared with alternate.
  func figures(runs: Int, _ scratch: Scratch) async throws -> [Figure]
}

/// What one run measured: the subject, and what it is compared with.
struct Run {
  let value: Double
  /// The same measure of the peer, within the same run.
  let peer: Double?

  init(_ value: Double, peer: Double? = nil) {
    self.value = value
    self.peer = peer
  }

  /// What a number of things in so many seconds comes to per second.
  init(_ count: Int, in times: (subject: Double, peer: Double)) {
    self.init(Double(count) / times.subject, peer: Double(count) / times.peer)
  }

  var ratio: Double? { peer.map { value / $0 } }
}

/// A measured number: the median over the runs, and the median of the runs' ratios.
struct Figure {
  let name: String
  let unit: String
  let value: Double
  let ratio: Double?
  /// What the ratio is to.
  let against: String?
  let runs: Int
  let goal: Goal

  init(_ name: String, _ results: [Run], unit: String, against: String? = nil, goal: Goal) {
    self.name = name
    self.unit = unit
    self.against = against
    self.goal = goal
    runs = results.count
    value = median(results.map(\.value))
    let ratios = results.compactMap(\.ratio)
    ratio = ratios.isEmpty ? nil : median(ratios)
  }

  var hasGoal: Bool {
    if case .none = goal { false } else { true }
  }

  var meetsGoal: Bool { goal.isMet(value: value, ratio: ratio) }
}

/// What a figure should be.
enum Goal {
  case ratioAtLeast(Double)
  case atLeast(Double)
  case below(Double)
  /// One of the two is enough.
  case either(value: Double, ratio: Double)
  case ratioAtMost(Double)
  /// Nothing in particular: the figure stands beside another one.
  case none

  func isMet(value: Double, ratio: Double?) -> Bool {
    switch self {
    case .ratioAtLeast(let least): (ratio ?? 0) >= least
    case .atLeast(let least): value >= least
    case .below(let bound): value < bound
    case .either(let leastValue, let leastRatio): value >= leastValue || (ratio ?? 0) >= leastRatio
    case .ratioAtMost(let most): (ratio ?? .infinity) <= most
    case .none: true
    }
  }
}

/// The middle value; the mean of the two in the middle when their number is even.
/// - Precondition: there is at least one.
func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  let middle = sorted.count / 2
  return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

extension Duration {
  var seconds: Double { self / .seconds(1) }
}

/// The times of a subject and of its peer in seconds, taken in turns, so that whatever else disturbs the machine
/// disturbs both.
/// - Parameter turns: how often each has its turn; both are told which one it is.
func alternating(
  turns: Int, _ subject: (Int) async throws -> Void, against peer: (Int) async throws -> Void
) async rethrows -> (subject: Double, peer: Double) {
  var times = (subject: 0.0, peer: 0.0)
  for turn in 0..<turns {
    times.peer += try await seconds { try await peer(turn) }
    times.subject += try await seconds { try await subject(turn) }
  }
  return times
}

/// The time that something takes, in seconds.
func seconds(_ body: () async throws -> Void) async rethrows -> Double {
  try await ContinuousClock().measure { try await body() }.seconds
}
