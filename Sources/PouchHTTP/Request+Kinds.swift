import CouchAPI
import HTTPTypes

extension Request {
  /// Whether this asks for a feed that waits for changes to come.
  var isLiveFeed: Bool {
    guard path.last == "_changes" || path.last == "_db_updates", let feed = query["feed"] else { return false }
    return feed == "longpoll" || feed == "continuous" || feed == "eventsource"
  }

  /// Whether this uploads an attachment, whose `Content-Encoding` belongs to the attachment and not to the message.
  var isAttachmentUpload: Bool {
    guard method == .put, path.count >= 3, !path[0].hasPrefix("_") else { return false }
    return path.count > (path[1] == "_design" ? 3 : 2) && path[1] != "_local"
  }

  /// The longest silence to expect from a server that answers a live feed: between two heartbeats, or until the feed's
  /// own time-out. `nil` for other requests.
  var feedSilence: Duration? {
    guard isLiveFeed else { return nil }
    switch query["heartbeat"] {
    case .some("true"): return .milliseconds(HTTPTuning.defaultFeedTimeout)
    case .some(let text) where Int(text) != nil: return .milliseconds(Int(text) ?? 0)
    default: return .milliseconds(query["timeout"].flatMap { Int($0) } ?? HTTPTuning.defaultFeedTimeout)
    }
  }
}
