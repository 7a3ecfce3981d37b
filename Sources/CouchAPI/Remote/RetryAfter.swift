import HTTPTypes
import PouchCore

/// The header `Retry-After` (RFC 9110, section 10.2.3).
enum RetryAfter {
  /// How long to wait. A date counts from the `Date` of the same response, so that no clock here matters.
  static func duration(in headers: HTTPFields) -> Duration? {
    guard let value = headers[.retryAfter] else { return nil }
    if let seconds = Int64(value), seconds >= 0 { return .seconds(min(seconds, longest)) }
    guard let then = seconds(of: value), let now = headers[.date].flatMap(seconds(of:)) else { return nil }
    return .seconds(min(max(0, then - now), longest))
  }

  /// A year; longer means for ever.
  private static let longest: Int64 = 365 * 86_400

  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  /// The seconds since 1970 of a date such as `Sun, 06 Nov 1994 08:49:37 GMT`.
  static func seconds(of date: String) -> Int64? {
    let parts = date.split(separator: " ")
    guard parts.count == 6, parts[5] == "GMT", let day = Int64(parts[1]), (1...31).contains(day),
      let month = months.firstIndex(of: String(parts[2])), let year = Int64(parts[3]), (1970...9999).contains(year)
    else { return nil }
    let time = parts[4].split(separator: ":").compactMap { Int64($0) }
    guard time.count == 3, (0..<24).contains(time[0]), (0..<60).contains(time[1]), (0...60).contains(time[2]) else {
      return nil
    }
    return days(year, Int64(month) + 1, day) * 86_400 + time[0] * 3600 + time[1] * 60 + time[2]
  }

  /// The days since 1970 in the Gregorian calendar, counted in years that begin in March.
  private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let year = month <= 2 ? year - 1 : year
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let leapDays = year / 4 - year / 100 + year / 400
    return year * 365 + leapDays + dayOfYear - 719_468
  }
}
