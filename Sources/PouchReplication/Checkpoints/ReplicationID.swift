import Crypto
import PouchCore

/// Names a replication: what is copied, and between which databases. Checkpoints are kept under it.
///
/// It is made of the databases' own ids and never of URLs, so that it stays when a database moves, and of everything
/// that decides which documents are copied. Whether it runs once or live makes no difference.
struct ReplicationID: Sendable, Hashable {
  /// 32 hexadecimal digits.
  let digits: String

  /// Changes when the meaning of the parts below does, so that older checkpoints are not misread.
  private static let scheme: JSON = "peerpouch-replication-1"

  init(source: String, target: String, _ options: ReplicationOptions) {
    var parts: JSON.Object = ["scheme": ReplicationID.scheme, "source": JSON(source), "target": JSON(target)]
    if let ids = options.ids { parts["ids"] = .array(ids.sorted().map { JSON($0.text) }) }
    if let selector = options.selector { parts["selector"] = selector.json }
    if let filter = options.filter { parts["filter"] = JSON(filter.name) }
    if options.designDocuments == .skipped { parts["design"] = "skipped" }
    switch options.since {
    case .beginning: break
    case .now: parts["since"] = "now"
    case .after(let position): parts["since"] = ["after": JSON(position.description)]
    }
    digits = Hexadecimal.text(SHA256.hash(data: JSONText(.object(parts)).canonicalBytes).prefix(16))
  }

  /// The local document that holds the checkpoint.
  var documentID: DocumentID { DocumentID("_local/" + digits) }
}
