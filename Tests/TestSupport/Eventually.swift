/// Waits until a condition holds. It has to be one that, once it holds, goes on to hold: it is looked at now and then.
/// - Throws: ``NeverHeld`` after two minutes, so that what never comes fails a test instead of holding up all of them;
///   `CancellationError`.
package func eventually(
  isolation: isolated (any Actor)? = #isolation, _ condition: () async throws -> Bool
) async throws {
  let end = ContinuousClock.now + .seconds(120)
  while try await !condition() {
    guard ContinuousClock.now < end else { throw NeverHeld() }
    try await Task.sleep(for: .milliseconds(1))
  }
}

/// What a test waited for did not come.
package struct NeverHeld: Error {}
