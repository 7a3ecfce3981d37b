/// The loops that a program without a store would write.
enum BareLoops {
  /// Writes documents, each as a document row and a revision row.
  struct Writer {
    private let database: BareSQLite
    private let document: BareStatement
    private let revision: BareStatement
    private var sequence: Int64 = 0
    /// A tree of one revision takes so many bytes in the store.
    private let tree = [UInt8](repeating: 0x2A, count: 20)

    init(_ path: String) throws {
      database = try BareSQLite(path, .create)
      document = try database.prepare("INSERT INTO document(id, seq, winner, deleted, tree) VALUES (?1, ?2, ?2, 0, ?3)")
      revision = try database.prepare("INSERT INTO revision(seq, document, body) VALUES (?1, ?2, ?3)")
    }

    /// Writes a batch in one transaction.
    mutating func write(_ batch: some Sequence<SampleDocuments.Sample>) throws {
      try database.execute("BEGIN IMMEDIATE")
      for sample in batch {
        sequence += 1
        var id = sample.id
        try id.withUTF8 { id in
          try tree.withUnsafeBytes { tree in
            document.bind(1, text: UnsafeRawBufferPointer(id))
            document.bind(2, sequence)
            document.bind(3, blob: tree)
            try document.run()
          }
        }
        try sample.body.withUnsafeBytes { body in
          revision.bind(1, sequence)
          revision.bind(2, database.lastInsertedRow)
          revision.bind(3, blob: body)
          try revision.run()
        }
      }
      try database.execute("COMMIT")
    }
  }

  /// Reads the newest change of every document of a store's file in order, with its id and body.
  /// - Returns: how many there were.
  static func readChanges(of path: String) throws -> Int {
    let database = try BareSQLite(path, .read)
    let select = try database.prepare(
      """
      SELECT r.seq, d.id, r.body FROM revision r JOIN document d ON d.key = r.document
      WHERE r.seq > 0 AND d.seq = r.seq ORDER BY r.seq
      """)
    var count = 0
    var bytes = 0
    while try select.step() {
      count += 1
      bytes += Int(select.int(0) & 1) + select.bytes(1).count + select.bytes(2).count
    }
    precondition(bytes > count)
    return count
  }

  /// Reads documents of a store's file by their ids.
  struct Reader {
    private let select: BareStatement

    init(_ path: String) throws {
      select = try BareSQLite(path, .read).prepare(
        "SELECT d.tree, r.body FROM document d JOIN revision r ON r.seq = d.winner WHERE d.id = ?1")
    }

    func read(_ ids: [String]) throws {
      for id in ids {
        var id = id
        try id.withUTF8 { id in
          select.bind(1, text: UnsafeRawBufferPointer(id))
          guard try select.step() else { throw BareError(message: "A document is missing.") }
          precondition(select.bytes(0).count + select.bytes(1).count > 0)
          select.reset()
        }
      }
    }
  }

  /// Writes a blob in pieces, as the store does with attachments: rows of 256 KiB, 16 of them in a transaction.
  static func writeBlob(to path: String, length: Int, piece: [UInt8]) throws {
    let rowsPerTransaction = 16
    let database = try BareSQLite(path, .create)
    let insert = try database.prepare("INSERT INTO chunk(key, data) VALUES (?1, ?2)")
    try piece.withUnsafeBytes { piece in
      let rows = length / piece.count
      for row in 0..<rows {
        if row % rowsPerTransaction == 0 { try database.execute("BEGIN IMMEDIATE") }
        insert.bind(1, Int64(row))
        insert.bind(2, blob: piece)
        try insert.run()
        if row % rowsPerTransaction == rowsPerTransaction - 1 || row == rows - 1 { try database.execute("COMMIT") }
      }
    }
  }
}
