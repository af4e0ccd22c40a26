import Foundation

/// Files of the repository that these tests are in.
enum RepositoryFiles {
  /// The repository's own folder.
  static let root = (0..<5).reduce(URL(fileURLWithPath: #filePath)) { place, _ in place.deletingLastPathComponent() }

  /// A graph that takes and gives what `step1_e0` of the bundle `dispatch` does, and fails in a run where its gate is above -100.
  static let failingStep = root.appending(path: "kotlin/mvmoe-onnx/src/test/resources/failing_step.onnx")
}
