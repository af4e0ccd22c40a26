import Foundation
import MVMoE

@testable import MVMoEBench

/// A small bundle with the strategy `dispatch`.
let smallBundle = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().appendingPathComponent("tests/conformance/answers/bundles/dispatch")
  .resolvingSymlinksInPath()

/// An order as `mvmoe bench` writes it, every field included.
func orderText(
  images: String, kind: String = "latency", keys: [String] = ["dispatcher onnx"], sustained: Double = 0,
  paced: String = "", reference: String = "{}"
) -> String {
  let queries = (0..<4).map { #"{"image": \#($0 % 2), "routes": null, "forced": false, "choices": {}}"# }
  let subjects = keys.map { key in
    """
    {"key": "\(key)", "kind": "dispatcher", "root": "\(smallBundle.path)", "manifest_sha256": null, "target": "onnx",
    "output_kinds": {"answer": "logits"}, "class_output": "answer", "engine_options": {}, "engine_modules": ["torch"],
    "program": "swift", "requested": {"engine": "ONNX Runtime", "provider": "CPU"}, "threads": 1, "budget": null,
    "config": null, "weights": null, "plugins": false, "queries": [\(queries.joined(separator: ", "))]}
    """
  }
  return """
    {"job": "\(kind):0", "kind": "\(kind)", "one_subject": false, "repeat": 0,
    "preset": {"name": "quick", "repeats": 1, "queries": 4, "seconds": 0.0, "most_seconds": 20.0, "warmup": 1, "starts": 1,
    "stream": 0, "cooldown": 0.0, "sustained": \(sustained)\(paced)}, "images": "\(images)", "names": ["a", "ä"],
    "labels": [null, "3"], "reference": \(reference), "subjects": [\(subjects.joined(separator: ", "))], "started_ns": 12,
    "status": null}
    """
}

/// Numbers of a type as NumPy writes them.
func npy(_ type: String = "<f4", shape: [Int], _ numbers: [Float]) -> Data {
  let sizes = shape.map(String.init).joined(separator: ", ")
  let header = Data("{'descr': '\(type)', 'fortran_order': False, 'shape': (\(sizes)), }\n".utf8)
  var bytes = Data([0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.count & 0xff), UInt8(header.count >> 8)])
  bytes += header
  for number in numbers { withUnsafeBytes(of: number.bitPattern.littleEndian) { bytes += $0 } }
  return bytes
}

/// Images of zeros that fit ``smallBundle``, in a folder.
func writeImages(_ folder: TestFolder, count: Int = 2) throws -> String {
  try folder.write("images.npy", npy(shape: [count, 3, 8, 8], Array(repeating: 0, count: count * 3 * 64))).path
}

/// The fields of a JSON object: texts and numbers as they are written, nil for null.
func plain(_ text: some StringProtocol) throws -> [String: String?] {
  let members = try Field(value: StrictJSON.parse(Array(text.utf8)), path: "$").members()
  return Dictionary(
    members.map { name, value in
      switch value {
      case .null: (name, nil)
      case .string(let text), .number(let text): (name, text)
      default: (name, "\(value)")
      }
    }
  ) { first, _ in first }
}

/// The lines of a results file.
func lines(_ bytes: Data) throws -> [[String: String?]] {
  try String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { try plain($0) }
}

extension [String: String?] {
  /// A field; nil for null, and for one that is not there.
  func text(_ name: String) -> String? { self[name] ?? nil }

  /// A whole number.
  func int(_ name: String) -> Int? { text(name).flatMap { Int($0) } }
}
