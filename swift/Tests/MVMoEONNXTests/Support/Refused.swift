import MVMoE

/// The error of what has to be refused.
func refused<Result>(_ body: () async throws -> Result) async throws -> MVMoEError {
  do {
    _ = try await body()
  } catch let error as MVMoEError {
    return error
  }
  throw NotRefused()
}

/// What had to be refused was not.
struct NotRefused: Error {}
