import Foundation
import Testing

@testable import DemoLogic

@Suite struct PhraseTests {
  @Test func everyPhraseIsWritten() {
    requireWritten(AppPhrase.self)
    requireWritten(TryPhrase.self)
    requireWritten(ExpertsPhrase.self)
    requireWritten(BenchPhrase.self)
  }

  @Test func everyWrittenTextHasAPhrase() throws {
    try requirePhrases(AppPhrase.self)
    try requirePhrases(TryPhrase.self)
    try requirePhrases(ExpertsPhrase.self)
    try requirePhrases(BenchPhrase.self)
  }

  /// What the two demos say of the same thing is the same.
  @Test func wordsAreThoseOfTheAndroidDemo() throws {
    let android = try AndroidStrings.all()
    #expect(android.count > 100)
    let own =
      texts(AppPhrase.self) + texts(TryPhrase.self) + texts(ExpertsPhrase.self)
      + texts(BenchPhrase.self)
    for (key, text) in own {
      if let other = android[key] {
        #expect(text == other, "\(key)")
      } else {
        #expect(Self.ownKeys.contains(key), "\(key)")
      }
    }
  }

  @Test func valuesAreAtTheirPlaces() {
    let other = TryPhrase.compareOther.with("2", "7")
    #expect(other == "Computing all experts gives another answer (7) and takes 2 times as long.")
    #expect(TryPhrase.percent.with("98.2") == "98.2 %")
    // A value that looks like a place is a value.
    #expect(AppPhrase.modelSubtitle.with("%2$@", "100%") == "%2$@ on 100%")
  }

  /// What Android has no word for.
  private static let ownKeys: Set<String> = [
    "units", "no_own_bundle", "ended_while_opening", "background_opening", "background_answering",
    "low_power", "thermal_fair", "thermal_serious", "thermal_critical", "photo_unreadable",
    "bench_missing_device", "bench_missing_release", "units_all", "units_neural_engine", "units_gpu", "units_cpu",
    "bench_stay", "bench_left_screen", "bench_peak_footprint", "heat_nominal", "heat_fair", "heat_serious",
    "heat_critical", "order_none",
  ]

  private func texts<P: Phrase>(_ type: P.Type) -> [(String, String)] { P.allCases.map { ($0.rawValue, $0.written) } }

  private func requireWritten<P: Phrase>(_ type: P.Type) {
    for phrase in P.allCases { #expect(phrase.written != phrase.rawValue, "\(phrase)") }
  }

  private func requirePhrases<P: Phrase>(_ type: P.Type) throws {
    let file = RepositoryFiles.root.appendingPathComponent(
      "ios_demo/Logic/Sources/DemoLogic/Texts/\(P.table).xcstrings")
    let catalogue = try JSONDecoder().decode(StringCatalogue.self, from: Data(contentsOf: file))
    #expect(Set(catalogue.strings.keys) == Set(P.allCases.map(\.rawValue)))
    #expect(catalogue.sourceLanguage == "en")
  }
}
