import Foundation

/// A limit of the process or the machine.
enum Limit: CaseIterable {
  case files
  case memory
  case threads

  var code: ErrorCode {
    switch self {
    case .files: .limitFiles
    case .memory: .limitMemory
    case .threads: .limitThreads
    }
  }

  /// A clause that says what was met and what to do.
  var advice: String {
    switch self {
    case .files: "no further file can be opened; close dispatchers or files, or raise the limit (ulimit -n)"
    case .memory: "memory ran out; close dispatchers, bound maxExperts of Residency, or give the process more"
    case .threads: "no further thread can be started; end some, or raise the limit (ulimit -u)"
    }
  }

  /// The limit that an error, or one that caused it, is about: engines say so in words alone.
  static func of(_ error: any Error) -> Limit? {
    chain(error).lazy.compactMap { ($0 as? FileError)?.limit ?? of(words: words(of: $0)) }.first
  }

  /// The limit that a text is about.
  static func of(words: String) -> Limit? {
    let words = words.lowercased()
    return allCases.first { limit in limit.phrases.contains { says($0, in: words) } }
  }

  /// How systems and engines say it, in lower case.
  private var phrases: [String] {
    switch self {
    case .files: ["too many open files", "system error number 23", "system error number 24"]
    case .memory:
      [
        "cannot allocate memory", "bad_alloc", "bad alloc", "badalloc", "out of memory", "failed to allocate",
        "system error number 12", "memory allocation failed", "memoryallocationfailed",
      ]
    case .threads: ["pthread_create", "resource temporarily unavailable"]
    }
  }

  /// Whether a phrase is in a text; one that ends with a number, as a whole number.
  private static func says(_ phrase: String, in text: String) -> Bool {
    guard let found = text.range(of: phrase) else { return false }
    guard phrase.last?.isNumber == true, let next = text[found.upperBound...].first else { return true }
    return !next.isNumber && !next.isLetter
  }
}
