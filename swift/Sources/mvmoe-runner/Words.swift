/// Words of the command line that a command does not know.
struct UsageError: Error {
  let message: String

  init(_ message: String) { self.message = message }
}

/// The words of a command: plain ones in order, and `--name VALUE` for the options that it knows.
struct Words {
  private let knows: Set<String>
  private var options: [String: String] = [:]

  /// The words that are no options.
  private(set) var plain: [String] = []

  init(_ words: [String], knows: Set<String>) throws {
    self.knows = knows
    var left = words[...]
    while let word = left.popFirst() {
      if word.hasPrefix("--") { try take(String(word.dropFirst(2)), left.popFirst()) } else { plain.append(word) }
    }
  }

  /// The only plain word.
  var path: String {
    get throws {
      guard plain.count == 1 else { throw UsageError("\(plain.count) paths were given") }
      return plain[0]
    }
  }

  func text(_ name: String) -> String? {
    assert(knows.contains(name))
    return options[name]
  }

  /// A text that has to be there.
  func required(_ name: String) throws -> String {
    guard let text = text(name) else { throw UsageError("no \(name) was given") }
    return text
  }

  /// A whole number above 0; nil where it was not given.
  func number(_ name: String) throws -> Int? {
    guard let text = text(name) else { return nil }
    guard let number = Int(text), (1...Int(Int32.max)).contains(number) else {
      throw UsageError("--\(name) \(text) was given, which is no whole number above 0")
    }
    return number
  }

  private mutating func take(_ name: String, _ value: String?) throws {
    guard knows.contains(name) else { throw UsageError("--\(name) was given, which is unknown") }
    guard let value else { throw UsageError("--\(name) was given without a value") }
    options[name] = value
  }
}
