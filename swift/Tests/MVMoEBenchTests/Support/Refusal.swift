import Testing

/// The error of this type that `body` throws; a test fails where there is none.
func refusal<Refusal: Error>(_ type: Refusal.Type, _ body: () throws -> some Any) throws -> Refusal {
  do {
    _ = try body()
  } catch let refusal as Refusal {
    return refusal
  }
  throw NotRefused()
}

/// What was to be refused was not.
struct NotRefused: Error {}
