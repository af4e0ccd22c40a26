#if !canImport(Darwin)
  import Foundation

  /// A string catalogue as Xcode writes it: its build makes tables of it, other systems read it as it is.
  struct StringCatalogue: Decodable {
    struct Text: Decodable {
      let localizations: [String: Localization]
    }

    struct Localization: Decodable {
      let stringUnit: StringUnit
    }

    struct StringUnit: Decodable {
      let value: String
    }

    let sourceLanguage: String
    let strings: [String: Text]

    /// The texts of a catalogue by their keys, in its source language.
    static func texts(_ name: String) -> [String: String] { all[name] ?? [:] }

    private static let all: [String: [String: String]] = {
      var found: [String: [String: String]] = [:]
      for file in Bundle.module.urls(forResourcesWithExtension: "xcstrings", subdirectory: nil) ?? [] {
        guard let path = file.path else { continue }
        let file = URL(fileURLWithPath: path)
        found[file.deletingPathExtension().lastPathComponent] = read(file)
      }
      return found
    }()

    private static func read(_ file: URL) -> [String: String] {
      guard let data = try? Data(contentsOf: file), let catalogue = try? JSONDecoder().decode(Self.self, from: data)
      else {
        return [:]
      }
      return catalogue.strings.compactMapValues { $0.localizations[catalogue.sourceLanguage]?.stringUnit.value }
    }
  }
#endif
