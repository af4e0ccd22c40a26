import Foundation

/// As far as a chain of causes is followed.
private let mostCauses = 20

/// An error, what caused it, and so on.
func chain(_ error: any Error) -> [any Error] {
  var found = [error]
  while found.count < mostCauses, let cause = found.last.flatMap(cause) { found.append(cause) }
  return found
}

/// What an error says, in one line.
func firstLine(_ error: any Error) -> String {
  let text = words(of: error).trimmingCharacters(in: .whitespacesAndNewlines)
  let line = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
  return line.isEmpty ? "\(type(of: error))" : line
}

/// All that an error says.
func words(of error: any Error) -> String {
  if let described = (error as? any LocalizedError)?.errorDescription { return described }
  if type(of: error) is NSError.Type { return error.localizedDescription }
  return String(describing: error)
}

private func cause(of error: any Error) -> (any Error)? {
  if let error = error as? MVMoEError { return error.cause }
  // By way of `Any`, since on some systems every error is an NSError, and on others none of Swift's own is.
  let anything: Any = error
  return (anything as? NSError)?.userInfo[NSUnderlyingErrorKey] as? any Error
}
