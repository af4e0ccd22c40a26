/// What a check of ``Consistency`` says beside its sentence.
struct Fault {
  let code: ErrorCode

  let fields: [String: ErrorValue]

  init(_ code: ErrorCode, _ fields: [String: ErrorValue] = [:]) {
    self.code = code
    self.fields = fields
  }

  /// The same fault with more fields.
  func with(_ more: [String: ErrorValue]) -> Fault { Fault(code, fields.merging(more) { $1 }) }

  /// Fields that contradict each other, where no other code fits.
  static let inconsistent = Fault(.bundleManifestInconsistent)

  /// What is larger than is read.
  static func tooLarge(_ limit: Int) -> Fault { Fault(.bundleTooLarge, ["limit": .integer(limit)]) }
}

/// The error for a manifest whose fields contradict each other; `sentence` goes on after "the manifest is wrong: ".
func inconsistent(_ sentence: String, _ fault: Fault = .inconsistent) -> MVMoEError {
  MVMoEError(fault.code, sentence, fields: fault.fields)
}

func requireConsistent(_ holds: Bool, _ sentence: @autoclosure () -> String) throws {
  guard holds else { throw inconsistent(sentence()) }
}

func requireConsistent(
  _ holds: Bool, _ fault: @autoclosure () -> Fault, _ sentence: @autoclosure () -> String
) throws {
  guard holds else { throw inconsistent(sentence(), fault()) }
}

/// Refuses what is there twice.
func requireDistinct<Item: Hashable>(
  _ items: [Item], _ what: @autoclosure () -> String, _ fault: @autoclosure () -> Fault = .inconsistent
) throws {
  var seen = Set<Item>()
  for item in items where !seen.insert(item).inserted {
    let item = (item as? Route?).map { brief($0) } ?? "\(item)"
    throw inconsistent("the \(what()) \(item) is there more than once", fault())
  }
}

/// A list of a manifest for a message; of a long one the beginning.
func brief<Items: Collection>(_ items: Items) -> String {
  let shown = items.prefix(mostItemsShown).map { "\($0)" } + (items.count > mostItemsShown ? ["..."] : [])
  return "[\(shown.joined(separator: ", "))]"
}

/// A graph's route for a message.
func brief(_ route: Route?) -> String {
  guard let route else { return "for all routes" }
  return brief(route.experts)
}

/// Items of a list in a message, or in a field of an error.
let mostItemsShown = 16
