public import PouchCore

extension Database {
  /// Copies another database's documents into this one; see ``Replication``.
  /// - Throws: what ``Replication/run()`` throws.
  @discardableResult
  public func replicate(
    from source: any Database, _ options: ReplicationOptions = .once
  ) async throws -> ReplicationResult {
    try await Replication(from: source, to: self, options).run()
  }

  /// Copies this database's documents into another one; see ``Replication``.
  /// - Throws: what ``Replication/run()`` throws.
  @discardableResult
  public func replicate(
    to target: any Database, _ options: ReplicationOptions = .once
  ) async throws -> ReplicationResult {
    try await Replication(from: self, to: target, options).run()
  }

  /// Makes this database and another one the same, by replicating both ways; see ``Synchronization``.
  /// - Throws: what ``Synchronization/run()`` throws.
  @discardableResult
  public func sync(
    with other: any Database, _ options: ReplicationOptions = .once
  ) async throws -> Synchronization.Result {
    try await Synchronization(of: self, with: other, options).run()
  }
}

/// Replication of two databases both ways, so that in the end each has what either had.
public struct Synchronization: Sendable {
  /// From the other database to this one.
  public let pull: Replication
  /// From this database to the other one.
  public let push: Replication

  /// What came of both directions.
  public struct Result: Sendable {
    public let pull: ReplicationResult
    public let push: ReplicationResult
  }

  /// - Parameter options: those of both directions. ``ChangesQuery/Start/after(_:)`` is a position in one database
  ///   only, and so of no use here.
  public init(
    of database: any Database, with other: any Database, _ options: ReplicationOptions = .once,
    environment: ReplicationEnvironment = .system
  ) {
    pull = Replication(from: other, to: database, options, environment: environment)
    push = Replication(from: database, to: other, options, environment: environment)
  }

  /// Replicates both ways at the same time. When one direction fails, so does the whole.
  /// - Throws: what ``Replication/run()`` throws, and ``PouchError/Code/badRequest`` if the options start after a
  ///   position.
  @discardableResult
  public func run() async throws -> Result {
    if case .after = pull.options.since {
      throw PouchError(.badRequest, "A position belongs to one database; both directions cannot start after it.")
    }
    return try await withThrowingTaskGroup(of: (isPull: Bool, result: ReplicationResult).self) { group in
      group.addTask { (true, try await pull.run()) }
      group.addTask { (false, try await push.run()) }
      var results: [Bool: ReplicationResult] = [:]
      // Leaving by an error cancels the other direction, and waits for it.
      while let (isPull, result) = try await group.next() { results[isPull] = result }
      guard let pulled = results[true], let pushed = results[false] else { throw PouchError(.internalError) }
      return Result(pull: pulled, push: pushed)
    }
  }

  /// Ends both directions; see ``Replication/cancel()``.
  public func cancel() {
    pull.cancel()
    push.cancel()
  }
}
