import Testing

/// The error of that type that work throws; an issue, and nil, where it throws none.
func thrown<Failure: Error>(
  _ type: Failure.Type, sourceLocation: SourceLocation = #_sourceLocation, _ work: () async throws -> some Any
) async -> Failure? {
  do {
    _ = try await work()
    Issue.record("nothing was thrown", sourceLocation: sourceLocation)
  } catch let failure as Failure {
    return failure
  } catch {
    Issue.record(error, sourceLocation: sourceLocation)
  }
  return nil
}
