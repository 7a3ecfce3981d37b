import CouchAPI
import HTTPTypes
import PouchCore
import Synchronization

/// What a hub's clock says. Leases are judged by it, so that all peers of a hub judge alike, whatever their own say.
enum HubDate {
  /// Seconds since 1970: by the `Date` of the hub's latest answer, or the machine's clock for a hub that tells none.
  static func now(of hub: any Database, _ time: PeerTime) -> Int {
    guard let carrier = (hub as? RemoteDatabase)?.carrier as? DatingCarrier else { return time.date() }
    return carrier.date(at: time.now()) ?? time.date()
  }
}

/// A carrier that remembers the date that answers tell.
final class DatingCarrier: Carrier {
  private let base: any Carrier
  private let now: @Sendable () -> ContinuousClock.Instant
  private let latest = Mutex<(date: Int, instant: ContinuousClock.Instant)?>(nil)

  init(_ base: any Carrier, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
    self.base = base
    self.now = now
  }

  func send(_ request: Request) async throws -> Response {
    let response = try await base.send(request)
    if let date = response.headers[.date].flatMap(HTTPDateReader.seconds) {
      latest.withLock { $0 = (date, now()) }
    }
    return response
  }

  func close() async { await base.close() }

  /// Seconds since 1970 by the other side's clock; `nil` before it has told.
  func date(at instant: ContinuousClock.Instant) -> Int? {
    latest.withLock { latest in
      latest.map { $0.date + Int((instant - $0.instant).components.seconds) }
    }
  }
}

/// Reads dates such as `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7; the obsolete forms are not read).
enum HTTPDateReader {
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  /// - Returns: seconds since 1970, or `nil` if the text is no such date.
  static func seconds(_ text: String) -> Int? {
    let words = text.split(separator: " ")
    guard words.count == 6, words[5] == "GMT", let day = Int(words[1]), (1...31).contains(day),
      let month = months.firstIndex(of: String(words[2])), let year = Int(words[3]), (1970...9999).contains(year)
    else { return nil }
    let clock = words[4].split(separator: ":").map { Int($0) }
    guard clock.count == 3, let hour = clock[0], let minute = clock[1], let second = clock[2],
      (0...23).contains(hour), (0...59).contains(minute), (0...60).contains(second)
    else { return nil }
    return ((days(year, month + 1, day) * 24 + hour) * 60 + minute) * 60 + second
  }

  /// Days since 1970 in the Gregorian calendar, with years that begin in March so that the leap day is the last.
  private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let year = month <= 2 ? year - 1 : year
    let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    return 365 * year + year / 4 - year / 100 + year / 400 + dayOfYear - 719_468
  }
}
