/// Does something with each of some inputs, a few at a time.
/// - Returns: what came of them, in the order of the inputs.
/// - Throws: what the first one to fail throws; the others are cancelled.
package func concurrently<Input: Sendable, Output: Sendable>(
  _ inputs: [Input], atMost limit: Int, _ work: @escaping @Sendable (Input) async throws -> Output
) async throws -> [Output] {
  try await withThrowingTaskGroup(of: (Int, Output).self) { group in
    var outputs: [Output?] = Array(repeating: nil, count: inputs.count)
    for (index, input) in inputs.enumerated() {
      if index >= limit, let (done, output) = try await group.next() { outputs[done] = output }
      group.addTask { (index, try await work(input)) }
    }
    for try await (done, output) in group { outputs[done] = output }
    return outputs.compactMap(\.self)
  }
}
