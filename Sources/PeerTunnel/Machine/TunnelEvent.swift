import CouchAPI
import PouchCore

/// The number of a stream within a connection: odd for those of the opener, even for those of the sharer.
typealias StreamNumber = UInt32
/// The number under which a side uses a share of the other one. Each side numbers its own; 0 is the share that the
/// connection was made for.
typealias ShareNumber = UInt32

/// What a peer did, as far as the one who works with the streams has to know.
enum TunnelEvent: Sendable, Equatable {
  /// The peer has proved who it is; requests may go.
  case ready
  /// The peer wants to use a share; to be answered.
  case opening(ShareNumber, ShareOpening)
  /// The answer to an opening of this side: `nil` if the share may be used, or why not.
  case opened(ShareNumber, refusal: String?)
  /// A share of the peer is not given any more.
  case shareWithdrawn(ShareNumber, String)
  /// The peer does not use a share any more.
  case shareLeft(ShareNumber)
  /// A request came; its body follows, if it has one.
  case request(StreamNumber, RequestHead)
  /// The response to a request came; its body follows, if it has one.
  case response(StreamNumber, ResponseHead)
  /// There are bytes to be read, or the end of them.
  case readable(StreamNumber)
  /// The peer has answered completely and wants no more of the request's body.
  case unwanted(StreamNumber)
  /// A stream is over before its time. Nothing can be read or written any more.
  case failed(StreamNumber, PouchError)
  /// The session is over.
  case ended(SessionEnd)
}

/// A message for the channel.
struct OutgoingMessage: Sendable, Equatable {
  let bytes: [UInt8]
  /// The streams that can take more bytes now.
  let writable: [StreamNumber]
}

/// What a stream has for its reader.
enum StreamReading: Sendable, Equatable {
  case bytes([UInt8])
  case end
  /// Nothing yet.
  case nothing
}
