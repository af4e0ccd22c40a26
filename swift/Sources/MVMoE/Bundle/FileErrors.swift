import Foundation

/// What to do about a file that is not as it was written.
private let copyAgain = "copy the bundle again or export it again"

/// Turns the system's refusals into one sentence about reading `path` of the bundle at `root`.
func readingFile<Result>(_ root: URL, _ path: String, _ read: () throws -> Result) throws -> Result {
  do {
    return try read()
  } catch let error as FileError {
    throw cannotRead(root, path, error)
  }
}

/// The error for a file that the system does not read.
func cannotRead(_ root: URL, _ path: String, _ error: any Error) -> MVMoEError {
  let what = "\(path) of bundle \(root.path) cannot be read"
  if let limit = Limit.of(error) { return MVMoEError(limit.code, "\(what): \(limit.advice)", cause: error) }
  return MVMoEError(
    .bundleFileUnreadable, "\(what) (\(firstLine(error))); \(copyAgain)", fields: ["file": .text(path)], cause: error)
}

/// The error for a file that is not as it was written.
func wrongFile(
  _ code: ErrorCode, _ path: String, _ sentence: String, fields: [String: ErrorValue] = [:]
) -> MVMoEError {
  let fields = fields.merging(["file": .text(path)]) { $1 }
  return MVMoEError(code, "\(sentence); \(copyAgain)", fields: fields)
}
