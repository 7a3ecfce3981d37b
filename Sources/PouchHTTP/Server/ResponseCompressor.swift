import CouchAPI
import HTTPTypes
import PouchCore
import PouchGzip
import Synchronization

/// Compresses responses for clients that accept gzip.
final class ResponseCompressor: Sendable {
  private let isOn: Bool
  /// How many streams are being compressed.
  private let streams = Atomic(0)

  init(_ compression: HTTPServerConfiguration.Compression) {
    isOn = compression == .whenAccepted
  }

  /// Compresses a response if that is worth it and allowed.
  ///
  /// Left alone are small bodies, what is compressed already or bound to its bytes (partial content, digests), and what
  /// is no text.
  func compress(_ response: inout Response, for request: RequestReader) {
    guard isOn, ResponseCompressor.isText(response.headers[.contentType]), !response.headers.contains(.contentEncoding)
    else { return }
    guard response.body.length.map({ $0 >= HTTPTuning.compressedBytes }) ?? true else { return }
    guard !response.headers.contains(where: { ResponseCompressor.boundToBytes.contains($0.name) }) else { return }
    response.headers.append(HTTPField(name: .vary, value: "Accept-Encoding"))
    guard request.method != .head, ResponseCompressor.acceptsGzip(request.headers[.acceptEncoding]) else { return }
    switch response.body {
    case .empty: return
    case .bytes(let bytes): response.body = .bytes(GzipDeflater().finish(bytes))
    case .stream(let stream, _):
      guard let permit = permit() else { return }
      response.body = .stream(ResponseCompressor.deflated(stream, permit), length: nil)
    }
    response.headers[.contentEncoding] = "gzip"
    response.headers[.contentLength] = nil
  }

  /// A place among the streams that are compressed at a time.
  private final class Permit: Sendable {
    private let compressor: ResponseCompressor
    init(_ compressor: ResponseCompressor) { self.compressor = compressor }
    deinit { compressor.streams.subtract(1, ordering: .relaxed) }
  }

  private func permit() -> Permit? {
    let permit = Permit(self)
    return streams.add(1, ordering: .relaxed).newValue <= HTTPTuning.compressedStreams ? permit : nil
  }

  private static let boundToBytes: Set<HTTPField.Name> = [.contentRange, .acceptRanges, .contentMD5]

  private static func isText(_ type: String?) -> Bool {
    guard let type = type?.lowercased() else { return false }
    return type.hasPrefix("application/json") || type.hasPrefix("text/")
  }

  /// Whether `Accept-Encoding` has gzip, and not with a weight of nothing.
  static func acceptsGzip(_ field: String?) -> Bool {
    guard let field else { return false }
    for part in field.lowercased().split(separator: ",") {
      let parameters = part.split(separator: ";").map { $0.filter { !$0.isWhitespace } }
      guard let name = parameters.first, name == "gzip" || name == "x-gzip" else { continue }
      let weight = parameters.dropFirst().first { $0.hasPrefix("q=") }?.dropFirst(2)
      return weight.flatMap { Double($0) } != 0
    }
    return false
  }

  private static func deflated(_ stream: ByteStream, _ permit: Permit) -> ByteStream {
    ByteStream {
      var iterator = stream.makeAsyncIterator()
      let deflater = GzipDeflater()
      var isAtEnd = false
      return {
        _ = permit
        guard !isAtEnd else { return nil }
        var output: [UInt8] = []
        while output.count < HTTPTuning.compressedPiece {
          guard let piece = try await iterator.next(isolation: #isolation) else {
            isAtEnd = true
            output += deflater.finish()
            break
          }
          output += deflater.deflate(piece)
        }
        return output
      }
    }
  }
}

extension HTTPField.Name {
  static let contentMD5 = HTTPField.Name("Content-MD5")!
}
