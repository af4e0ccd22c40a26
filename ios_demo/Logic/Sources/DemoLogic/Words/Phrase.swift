import Foundation

/// A text of the app, by the key under which each language has it: the folder `Texts` has a string catalogue for each
/// screen.
///
/// The keys are those of the Android demo where both have the text.
public protocol Phrase: RawRepresentable, CaseIterable, Sendable where RawValue == String {
  /// The catalogue that has it: `Try` for `Try.xcstrings`.
  static var table: String { get }
}

extension Phrase {
  /// As it is; a text with places for values is given by `with`.
  public var text: String { filled([]) }

  /// With values in its places, the first one at `%1$@`.
  public func with(_ values: String...) -> String { filled(values) }

  /// As the catalogue has it; the key where it has none.
  var written: String {
    #if canImport(Darwin)
      Bundle.module.localizedString(forKey: rawValue, value: rawValue, table: Self.table)
    #else
      StringCatalogue.texts(Self.table)[rawValue] ?? rawValue
    #endif
  }

  /// Place by place from the left, so that a value may itself look like a place.
  private func filled(_ values: [String]) -> String {
    var text = ""
    var rest = Substring(written)
    while let sign = rest.firstIndex(of: "%") {
      text += rest[..<sign]
      rest = rest[sign...]
      if let number = Self.place(at: rest), values.indices.contains(number - 1) {
        text += values[number - 1]
        rest = rest.dropFirst(4)
      } else {
        text += "%"
        rest = rest.dropFirst(rest.hasPrefix("%%") ? 2 : 1)
      }
    }
    return text + rest
  }

  /// The number of the place `%1$@` that a text begins with.
  private static func place(at text: Substring) -> Int? {
    let place = text.prefix(4)
    guard place.count == 4, place.hasSuffix("$@") else { return nil }
    return place.dropFirst().first?.wholeNumberValue
  }
}
