import Foundation

/// Some images of a batch have no answer, because a graph that they need does not load or run.
///
/// Images of the same batch whose answers are not finite are among them.
public struct PartialResultError: Error, Sendable {
  private static let mostShown = 20

  /// Those of the other images; nil for those that have none.
  public let answers: [Answer?]

  /// The error of each image that has no answer, by its position.
  public let failures: [Int: MVMoEError]

  init(answers: [Answer?], failures: [Int: MVMoEError]) {
    self.answers = answers
    self.failures = failures
  }

  /// `engine.partial-result`.
  public var code: ErrorCode { .enginePartialResult }

  /// One sentence for people.
  public var message: String {
    let images = Self.brief(failedImages.map(String.init), separator: ", ")
    let reasons = failedImages.compactMap { failures[$0]?.message }.reduce(into: [String]()) { found, reason in
      if !found.contains(reason) { found.append(reason) }
    }
    return "images \(images) of \(answers.count) have no answer (answers has those of the others): "
      + Self.brief(reasons, separator: "; ")
  }

  /// The particulars of the code, by name.
  public var fields: [String: ErrorValue] { ["images": .list(failedImages.map(ErrorValue.integer))] }

  private var failedImages: [Int] { failures.keys.sorted() }

  private static func brief(_ parts: [String], separator: String) -> String {
    let shown = parts.prefix(mostShown) + (parts.count > mostShown ? ["..."] : [])
    return shown.joined(separator: separator)
  }
}

extension PartialResultError: LocalizedError, CustomStringConvertible {
  public var errorDescription: String? { message }

  public var description: String { "\(message) [\(code.rawValue)]" }
}
