extension KnownDifference {
  static let attachments: [KnownDifference] = [
    KnownDifference(
      numbers: [235, 237], kind: .differs([.header("Accept-Ranges")]), reason: notCompressed),
    KnownDifference(
      numbers: [236], kind: .differs([.header("Accept-Ranges"), .header("Content-Encoding"), .body]),
      reason: notCompressed),
    KnownDifference(
      numbers: [239], kind: .differs([.header("Accept-Ranges"), .header("Content-Encoding")]),
      reason: notCompressed),
    KnownDifference(
      numbers: [246],
      kind: .differs([.status(206), .header("Accept-Ranges"), .header("Content-Range"), .body]),
      reason: notCompressed),
    KnownDifference(
      numbers: [253, 255, 256, 258, 259], kind: .differs([.body]), reason: notCompressed),
    KnownDifference(
      numbers: [275, 387, 388], kind: .differs([.status(400), .header("Location"), .body]),
      reason: "A wrong Content-MD5 is refused; CouchDB 3.5 takes it."),
  ]

  private static let notCompressed = """
    Text is stored as it comes, where CouchDB compresses it: its tag is that of the text, and ranges of it can be read.
    """

  static let queries: [KnownDifference] = [
    KnownDifference(
      numbers: [315], kind: .differs([.body]),
      reason: "An attachment without revpos has that of its revision, and not 0."),
    KnownDifference(
      numbers: [316], kind: .differs([.status(200), .body]),
      reason: "So many results as are bearable are sorted without an index."),
    KnownDifference(numbers: [320, 321, 322], kind: .differs([.status(501), .body]), reason: noIndexes),
    KnownDifference(numbers: [323, 324, 325], kind: .differs([.body]), reason: noIndexes),
    KnownDifference(numbers: [326], kind: .differs([.status(404), .body]), reason: noIndexes),
  ]

  private static let noIndexes = "There are no indexes yet but that of ids; queries go through the documents."
}
