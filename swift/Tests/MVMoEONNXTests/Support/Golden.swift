import Foundation
import Testing

@testable import MVMoE

/// A bundle's golden vectors, read by a second reader of `docs/bundle.md`, without a check.
struct Golden {
  /// How far logits and outputs may be off (`tests/conformance/answers/README.md`).
  static let bound: Float = 1e-4

  let images: Int
  private let vectors: [String: [UInt8]]

  init(_ bundle: ModelBundle) throws {
    images = bundle.manifest.golden.images
    let bytes = [UInt8](try Data(contentsOf: bundle.root.appending(path: bundle.manifest.golden.file.path)))
    let start = 8 + bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try #require(
      try JSONSerialization.jsonObject(with: Data(bytes[8..<start])) as? [String: [String: Any]])
    vectors = header.compactMapValues { field in
      guard let offsets = field["data_offsets"] as? [Int] else { return nil }
      return Array(bytes[(start + offsets[0])..<(start + offsets[1])])
    }
  }

  /// All images' values of a vector of fp32, one after the other.
  func all(_ name: String) throws -> [Float] {
    let bytes = try vector(name)
    return bytes.withUnsafeBytes { raw in
      (0..<(bytes.count / 4)).map { raw.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }
  }

  func of(_ name: String, _ image: Int) throws -> [Float] {
    let all = try all(name)
    let size = all.count / images
    return Array(all[(image * size)..<((image + 1) * size)])
  }

  /// The experts of an image at a routed stage.
  func route(_ stage: Int, _ image: Int) throws -> Route {
    let members = try vector("members.\(stage)")
    let experts = members.count / images
    return Route((0..<experts).filter { members[image * experts + $0] != 0 })
  }

  /// How far an image's values are off, relative to the largest value that the vector has over all images.
  func error(_ given: [Float], _ name: String, _ image: Int) throws -> Float {
    let wanted = try of(name, image)
    try #require(given.count == wanted.count, "\(name)")
    let peak = try all(name).map(abs).max() ?? 0
    return (zip(given, wanted).map { abs($0 - $1) }.max() ?? 0) / peak
  }

  private func vector(_ name: String) throws -> [UInt8] { try #require(vectors[name], "\(name)") }
}
