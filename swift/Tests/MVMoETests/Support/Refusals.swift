import Testing

@testable import MVMoE

/// The error with which something is refused; nil, and a failed test, where it is not.
func refusal<Result>(
  of work: () throws -> Result, sourceLocation: SourceLocation = #_sourceLocation
) -> MVMoEError? {
  do {
    _ = try work()
    Issue.record("it was not refused", sourceLocation: sourceLocation)
  } catch let error as MVMoEError {
    return error
  } catch {
    Issue.record("it was refused with \(error)", sourceLocation: sourceLocation)
  }
  return nil
}
