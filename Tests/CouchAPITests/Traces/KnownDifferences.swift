/// A difference from CouchDB that is meant, and why. `docs/couchdb-compatibility.md` tells them to readers.
struct KnownDifference {
  enum Kind {
    /// The request is not made: its body was cut in the recording, or another part of PeerPouch answers it.
    case notAsked
    /// The answer differs in these respects, all of them and no others.
    case differs(Set<Difference.Kind>)
  }

  /// A request that does in our way what CouchDB did.
  struct Repair {
    let method: String
    let target: String
    let body: String
  }

  /// The places of the exchanges in the recording, from 0.
  let numbers: [Int]
  let kind: Kind
  let reason: String
  var repair: [Repair]?

  static let all: [KnownDifference] = documents + lists + changes + upkeep + elsewhere + attachments + queries

  private static let documents: [KnownDifference] = [
    KnownDifference(
      numbers: [0], kind: .differs([.body]), reason: "There is no git_sha: the server is not CouchDB's."),
    KnownDifference(
      numbers: [51], kind: .differs([.body]),
      reason: "_local_seq is the sequence as the changes feed tells it; CouchDB's is a number within a shard."),
    KnownDifference(
      numbers: [101], kind: .differs([.status(409), .header("ETag"), .header("Location"), .body]),
      reason: unknownParent,
      repair: [
        Repair(
          method: "PUT", target: "/trace/e5?new_edits=false", body: #"{"_rev":"2-a4e9bc9846c8536c5b8f71f79edd3bb1"}"#)
      ]),
    KnownDifference(
      numbers: [391, 393, 413, 414, 415, 420, 421, 422],
      kind: .differs([.status(409), .header("ETag"), .header("Location"), .body]), reason: unknownParent),
    KnownDifference(
      numbers: [392], kind: .differs([.status(404), .header("ETag"), .body]), reason: unknownParent),
    KnownDifference(numbers: [397], kind: .differs([.status(404), .header("ETag"), .body]), reason: unknownParent),
    KnownDifference(
      numbers: [109], kind: .differs([.status(400), .header("ETag"), .header("Location"), .body]),
      reason: "JSON is read to a depth of 512; CouchDB knows no bound.",
      repair: [
        Repair(
          method: "PUT", target: "/trace/deep?new_edits=false",
          body: #"{"_rev":"1-5e84bff2d0069bd73a64352272dffaa6"}"#)
      ]),
    KnownDifference(
      numbers: [390], kind: .notAsked, reason: "The body was cut in the recording; it is too deep as well."),
    KnownDifference(
      numbers: [114], kind: .differs([.body]),
      reason: "Numbers keep their digits: 1.10 stays 1.10, where CouchDB writes 1.1."),
    KnownDifference(
      numbers: [115], kind: .differs([.status(201), .header("ETag"), .header("Location"), .body]),
      reason: "Numbers keep their digits, also those beyond what floating point can hold."),
    KnownDifference(
      numbers: [116], kind: .differs([.status(200), .header("ETag"), .body]),
      reason: "The number beyond floating point was stored.",
      repair: [
        Repair(method: "POST", target: "/trace/_purge", body: #"{"num2":["1-cf89992fea6aa081c082b8aac64b97d0"]}"#)
      ]),
  ]

  private static let unknownParent = """
    An edit of a revision that does not exist is a conflict. CouchDB says so while a database is empty, and takes the \
    edit once it has documents.
    """

  private static let lists: [KnownDifference] = [
    KnownDifference(
      numbers: [28], kind: .differs([.body]), reason: "There are no databases _users and _replicator here."),
    KnownDifference(
      numbers: [156, 157, 158, 159, 160, 161, 162, 165, 173, 177, 304, 305], kind: .differs([.body]),
      reason: "offset is how many rows were skipped as asked; counting those before a key would read the whole index."),
  ]

  private static let changes: [KnownDifference] = [
    KnownDifference(
      numbers: [186, 187, 188, 189, 191, 193, 261], kind: .differs([.body]),
      reason: "pending is what is still to come; CouchDB also counts what a filter or a limit left behind."),
    KnownDifference(
      numbers: [196, 198], kind: .differs([.status(400), .body]),
      reason: "A bad parameter is the client's error, where CouchDB reports a crash."),
    KnownDifference(
      numbers: [199], kind: .differs([.body]),
      reason: "Every n-th change has its sequence; CouchDB counts in each of its shards."),
    KnownDifference(
      numbers: [207], kind: .notAsked, reason: "Recorded with its chunks; heartbeats have a test of their own."),
  ]

  private static let upkeep: [KnownDifference] = [
    KnownDifference(
      numbers: [211, 216, 217, 283, 284], kind: .differs([.status(400), .body]),
      reason: "A bad body is the client's error, where CouchDB reports a crash or lost shards."),
    KnownDifference(
      numbers: [230], kind: .differs([.status(400), .header("Location"), .body]),
      reason: "Local documents have no attachments; CouchDB takes them and loses them."),
    KnownDifference(numbers: [293], kind: .differs([.status(501), .body]), reason: "Purges are not kept in a list."),
  ]

  private static let elsewhere: [KnownDifference] = [
    KnownDifference(
      numbers: [299], kind: .differs([.status(201), .header("ETag"), .header("Location"), .body]),
      reason: "Functions of design documents are kept, and not compiled.",
      repair: [
        Repair(
          method: "POST", target: "/trace/_purge",
          body: #"{"_design/bad":["1-f77841577fd64e710c6236fe8e297c19"]}"#)
      ]),
    KnownDifference(
      numbers: [300], kind: .differs([.status(201), .header("ETag"), .header("Location"), .body]),
      reason: "Design documents are kept as they are, since nothing here runs them.",
      repair: [
        Repair(
          method: "POST", target: "/trace/_purge",
          body: #"{"_design/bad2":["1-6ccbf08b6f73b4b9c08cd59f24d7a1e1"]}"#)
      ]),
    KnownDifference(
      numbers: [302],
      kind: .differs([
        .status(200), .header("ETag"), .header("Location"), .header("Content-Type"), .header("Cache-Control"), .body,
      ]), reason: "A design document is answered under its encoded path as well, and not by a redirection."),
    KnownDifference(numbers: [303, 306, 307, 308, 311, 314], kind: .differs([.status(501), .body]), reason: noViews),
    KnownDifference(numbers: [309, 310, 312], kind: .differs([.status(501), .body]), reason: noViews),
    KnownDifference(
      numbers: [340], kind: .differs([.status(501), .header("ETag"), .header("Location"), .body]), reason: noUsers),
    KnownDifference(numbers: [343, 344], kind: .differs([.status(401), .body]), reason: noUsers),
    KnownDifference(numbers: [345, 348, 349], kind: .notAsked, reason: "The cookie was left out of the recording."),
    KnownDifference(
      numbers: [351, 352], kind: .differs([.status(501), .header("ETag"), .body]), reason: noUsers),
    KnownDifference(
      numbers: [353, 354, 355, 356, 357, 366, 367, 368, 369, 370], kind: .differs([.status(501), .body]),
      reason: "The server is configured where it is started, and not over HTTP."),
    KnownDifference(
      numbers: [358, 395], kind: .notAsked, reason: "CORS is answered before the router, by the server."),
    KnownDifference(
      numbers: [371, 372, 373, 374, 375, 376, 377, 378], kind: .differs([.status(501), .body]),
      reason: "This router was given no service that replicates."),
    KnownDifference(
      numbers: [379], kind: .differs([.status(405), .header("Allow"), .body]),
      reason: "GET of _replicate is a method that is not allowed, and no request without a body."),
  ]

  private static let noViews = "There are no views, and no functions of design documents are run."
  private static let noUsers = "There is no database of users yet; admins come from the server's configuration."
}
