import Foundation

@testable import MVMoE

/// A bundle of `tests/conformance/answers` as one whose graphs are methods of one ExecuTorch program, which the stand-in for
/// ExecuTorch computes with the ONNX graphs.
final class ExecuTorchBundle: Sendable {
  static let program = "executorch/model.pte"

  /// The same model with ONNX graphs.
  let onnx: URL

  let root: URL

  private let folder: URL

  init(_ name: String, delegate: String? = "xnnpack") throws {
    let repository = (0..<4).reduce(URL(fileURLWithPath: #filePath)) { place, _ in place.deletingLastPathComponent() }
    onnx = repository.appendingPathComponent("tests/conformance/answers/bundles/\(name)")
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("mvmoe-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    root = folder.appendingPathComponent(name)
    try FileManager.default.copyItem(at: onnx, to: root)
    let bytes = try Data(contentsOf: root.appendingPathComponent("manifest.json"))
    guard var manifest = try JSONSerialization.jsonObject(with: bytes) as? [String: Any],
      var target = (manifest["targets"] as? [String: Any])?["onnx"] as? [String: Any],
      var graphs = target["graphs"] as? [[String: Any]], let files = target["files"] as? [[String: Any]]
    else { throw CocoaError(.fileReadCorruptFile) }
    let methods = graphs.compactMap { $0["name"] as? String }
    for (index, name) in methods.enumerated() {
      graphs[index]["file"] = Self.program
      graphs[index]["entry"] = name
    }
    target["graphs"] = graphs
    target["files"] = files + [try Self.write(methods, root)]
    target["format"] = "executorch"
    target["options"] = delegate.map { ["delegate": $0] } ?? [:]
    manifest["targets"] = ["executorch": target]
    try JSONSerialization.data(withJSONObject: manifest).write(to: root.appendingPathComponent("manifest.json"))
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  func target() throws -> Target { try ModelBundle.open(root).target("executorch") }

  /// A program as the stand-in reads it: a line for each method.
  private static func write(_ methods: [String], _ root: URL) throws -> [String: Any] {
    let text = methods.joined(separator: "\n") + "\n"
    let file = root.appendingPathComponent(program)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
    let digest = try SHA256Digest.hexadecimalDigits(of: Array(text.utf8))
    return ["path": program, "bytes": text.utf8.count, "sha256": digest]
  }
}
