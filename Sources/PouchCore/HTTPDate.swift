import Synchronization

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Dates as HTTP and CouchDB's checkpoints have them (RFC 9110, section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
package enum HTTPDate {
  /// How many bytes such a date has, for the years up to 9999.
  package static let length = 29

  private static let cache = Mutex((second: time_t(-1), text: ""))

  /// The time now.
  package static var now: String {
    let second = time(nil)
    return cache.withLock { cache in
      if cache.second != second { cache = (second, text(of: second)) }
      return cache.text
    }
  }

  private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  /// - Parameter second: seconds since 1970.
  package static func text(of second: Int) -> String {
    var second = time_t(second)
    var parts = tm()
    gmtime_r(&second, &parts)
    func padded(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let time = "\(padded(parts.tm_hour)):\(padded(parts.tm_min)):\(padded(parts.tm_sec))"
    let day = "\(days[Int(parts.tm_wday)]), \(padded(parts.tm_mday)) \(months[Int(parts.tm_mon)])"
    return "\(day) \(1900 + parts.tm_year) \(time) GMT"
  }
}
