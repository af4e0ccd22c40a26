import Foundation

/// Files of the repository that these tests are in.
enum RepositoryFiles {
  /// The repository's own folder.
  static let root = (0..<6).reduce(URL(fileURLWithPath: #filePath)) { place, _ in place.deletingLastPathComponent() }

  /// The demo's bundle, with a target that routes and one that computes all experts.
  static let digits = root.appendingPathComponent("android_demo/app/src/main/assets/digits.mvmoe")

  /// Whether the demo's bundle is there: `make demo` leaves it, and so does `make android-bundle`.
  static let hasDigits = FileManager.default.fileExists(atPath: digits.appendingPathComponent("manifest.json").path)

  /// A small bundle of a strategy, which every language's dispatcher is tested with.
  static func bundle(_ name: String) -> URL { root.appendingPathComponent("tests/conformance/answers/bundles/\(name)") }

  /// A bundle whose model gives boxes, a mask, a map and an embedding.
  static let manyOutputs = root.appendingPathComponent("tests/android_demo/bundles/many_outputs")

  /// A detector of three routed stages, with a graph for each expert.
  static let detector = root.appendingPathComponent("tests/android_demo/bundles/detector")
}
