/// Runs `work`, and closes all subjects that it has opened meanwhile.
func closingAll<Result>(_ work: (inout [any Subject]) async throws -> Result) async throws -> Result {
  var opened: [any Subject] = []
  do {
    let result = try await work(&opened)
    for subject in opened { await subject.close() }
    return result
  } catch {
    for subject in opened { await subject.close() }
    throw error
  }
}
