import Foundation

/// The golden vectors of a bundle: inputs, and what PyTorch makes of them (`docs/bundle.md`, *Golden vectors*).
///
/// The file was checked as a whole; rows are read when they are asked for, from the file that was checked. Images count from 0,
/// routed stages from 1. All of a stage that an image does not reach, because it was finished before, is 0. Every method throws
/// ``MVMoEError`` where the file cannot be read any more.
struct GoldenVectors: Sendable {
  /// The number of images.
  let images: Int

  private let hasRouter: [Bool]
  private let file: SafetensorsFile

  /// An input `[C, H, W]`, preprocessed already.
  func image(_ image: Int) throws -> [Float] { try floats("image", image) }

  /// The logits `[E]` of a stage's router; empty where there is none.
  func logits(stage: Int, image: Int) throws -> [Float] {
    hasRouter[stage - 1] ? try floats("logits.\(stage)", image) : []
  }

  /// The route of an image; nil at a stage that it does not reach.
  func members(stage: Int, image: Int) throws -> Route? {
    let members = try file.row("members.\(stage)", image, of: images)
    let experts = members.indices.filter { members[$0] != 0 }
    return experts.isEmpty ? nil : Route(experts)
  }

  /// The gates `[E]` of a stage's experts: 0 for those that are not on the route.
  func gates(stage: Int, image: Int) throws -> [Float] { try floats("gates.\(stage)", image) }

  /// An output of the model, in its shape.
  func output(_ name: String, image: Int) throws -> [Float] { try floats("outputs.\(name)", image) }

  private func floats(_ name: String, _ image: Int) throws -> [Float] {
    let row = try file.row(name, image, of: images)
    return row.withUnsafeBytes { bytes in
      stride(from: 0, to: bytes.count - 3, by: 4).map { place in
        Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self)))
      }
    }
  }
}

extension GoldenVectors {
  static func open(_ root: URL, _ manifest: Manifest) throws -> GoldenVectors {
    throw MVMoEError(.bundleGoldenInvalid, "golden vectors are not read yet")
  }
}
