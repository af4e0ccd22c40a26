import Testing

@testable import MVMoE

/// What some work throws; nil where it ends.
func failure<Result>(of work: () async throws -> Result) async -> (any Error)? {
  do {
    _ = try await work()
    return nil
  } catch {
    return error
  }
}

/// Asserts that some work is refused with a code; gives the error.
@discardableResult
func expectRefusal<Result>(
  _ code: ErrorCode, sourceLocation: SourceLocation = #_sourceLocation, _ work: () async throws -> Result
) async throws -> MVMoEError {
  let error = try #require(await failure(of: work) as? MVMoEError, sourceLocation: sourceLocation)
  #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
  return error
}
