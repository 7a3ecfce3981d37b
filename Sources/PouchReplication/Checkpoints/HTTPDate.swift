import Foundation

/// Dates as HTTP and CouchDB's checkpoints have them (RFC 9110, section 5.6.7): `Sun, 22 Nov 2026 23:26:24 GMT`.
enum HTTPDate {
  /// How many bytes such a date has.
  static let length = 29

  private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
  private static let secondsInDay = 86_400

  static func text(_ date: Date) -> String {
    let seconds = Int(date.timeIntervalSince1970.rounded(.down))
    let day = Int((Double(seconds) / Double(secondsInDay)).rounded(.down))
    let time = seconds - day * secondsInDay
    let (year, month, dayOfMonth) = civil(day)
    let weekday = weekdays[((day % 7) + 7) % 7]
    return "\(weekday), \(padded(dayOfMonth)) \(months[month - 1]) \(year) "
      + "\(padded(time / 3600)):\(padded(time / 60 % 60)):\(padded(time % 60)) GMT"
  }

  private static func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

  /// The date of a day counted from 1970-01-01 in the Gregorian calendar. Years are counted from March on, so that
  /// the leap day is the last of its year; 400 years have 146,097 days.
  private static func civil(_ day: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = day + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
  }
}
