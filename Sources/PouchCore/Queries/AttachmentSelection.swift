/// Which attachments of a revision are delivered with their content, and which as stubs.
///
/// An attachment is delivered if attachments are asked for, unless the reader has it already: it came with a revision
/// that is not newer than the newest ancestor among those the reader named (`atts_since`).
public struct AttachmentSelection: Sendable, Hashable {
  private let isAskedFor: Bool
  /// The generation up to which the reader has the attachments.
  private let newestKnown: Int

  /// - Parameters:
  ///   - options: what the reader asked for.
  ///   - ancestry: the revision and its ancestors, newest first; only looked at if revisions were named.
  public init(
    _ options: GetOptions, ancestry: @autoclosure () throws -> some Sequence<RevisionID>
  ) rethrows {
    isAskedFor = options.parts.contains(.attachments) || options.attachmentsSince != nil
    if let since = options.attachmentsSince, !since.isEmpty {
      let known = Set(since)
      newestKnown = try ancestry().first(where: known.contains)?.generation ?? 0
    } else {
      newestKnown = 0
    }
  }

  /// Whether an attachment is delivered with its content.
  /// - Parameter revisionPosition: the generation that brought it; delivered when it is not known.
  public func includes(revisionPosition: Int?) -> Bool {
    isAskedFor && (revisionPosition ?? .max) > newestKnown
  }
}
