import Foundation

@testable import MVMoE

/// A bundle of `tests/conformance/answers` as one whose graphs are functions of one package, which the stand-in for Core ML
/// computes with the ONNX graphs.
struct CoreMLBundle {
  /// The same model with ONNX graphs.
  let onnx: URL

  let root: URL

  private let folder: TemporaryFolder

  /// With a package for each graph where `isMultifunction` is false, as before iOS 18.
  init(_ name: String, isMultifunction: Bool = true, deploymentTarget: String? = nil) throws {
    onnx = RepositoryFiles.conformance("answers/bundles/\(name)")
    folder = try TemporaryFolder()
    root = folder.url.appendingPathComponent(name)
    try FileManager.default.copyItem(at: onnx, to: root)
    var manifest = try Self.object(Data(contentsOf: root.appendingPathComponent("manifest.json")))
    guard var target = (manifest["targets"] as? [String: Any])?["onnx"] as? [String: Any],
      var graphs = target["graphs"] as? [[String: Any]], var files = target["files"] as? [[String: Any]]
    else { throw CocoaError(.fileReadCorruptFile) }
    let names = graphs.compactMap { $0["name"] as? String }
    for (index, graph) in names.enumerated() {
      graphs[index]["file"] = isMultifunction ? "coreml/model.mlpackage" : "coreml/\(graph).mlpackage"
      graphs[index]["entry"] = isMultifunction ? graph : NSNull()
    }
    let packages =
      isMultifunction
      ? ["coreml/model.mlpackage": names]
      : Dictionary(names.map { ("coreml/\($0).mlpackage", [$0]) }, uniquingKeysWith: { $1 })
    for (path, functions) in packages { files += try Self.write(functions, at: path, root) }
    target["graphs"] = graphs
    target["files"] = files
    target["format"] = "coreml"
    target["options"] = ["deployment_target": deploymentTarget ?? (isMultifunction ? "iOS18" : "iOS16")]
    manifest["targets"] = ["coreml": target]
    try JSONSerialization.data(withJSONObject: manifest).write(to: root.appendingPathComponent("manifest.json"))
  }

  /// The bundle, and its target for Core ML.
  func open() throws -> (bundle: ModelBundle, target: Target) {
    let bundle = try ModelBundle.open(root)
    return (bundle, try bundle.target("coreml"))
  }

  /// Other bytes in a file, which its hash in the manifest does not know.
  func alter(_ path: String) throws {
    let file = root.appendingPathComponent(path)
    var bytes = try Data(contentsOf: file)
    bytes[0] ^= 1
    try bytes.write(to: file)
  }

  /// A package as the stand-in reads it: a line for each function.
  private static func write(_ functions: [String], at path: String, _ root: URL) throws -> [[String: Any]] {
    let inside = ["Manifest.json": "{}\n", "Data/model.mlmodel": functions.joined(separator: "\n") + "\n"]
    return try inside.map { name, text in
      let file = root.appendingPathComponent(path).appendingPathComponent(name)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
      return [
        "path": "\(path)/\(name)", "bytes": text.utf8.count,
        "sha256": try SHA256Digest.hexadecimalDigits(of: Array(text.utf8)),
      ]
    }
  }

  private static func object(_ data: Data) throws -> [String: Any] {
    try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
  }
}

/// Files of the repository that these tests are in.
enum RepositoryFiles {
  static let root = (0..<5).reduce(URL(fileURLWithPath: #filePath)) { place, _ in place.deletingLastPathComponent() }

  static func conformance(_ path: String) -> URL {
    root.appendingPathComponent("tests/conformance").appendingPathComponent(path)
  }
}
