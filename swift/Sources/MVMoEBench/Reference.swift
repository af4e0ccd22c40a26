import Foundation
import MVMoE

/// The largest error of any of an image's outputs, and the largest relative one.
struct Errors: Sendable, Hashable {
  var absolute = 0.0
  var relative = 0.0
}

/// What PyTorch answers: outputs `[n, ...]` by name.
///
/// Each part of an output, as its kind has them, is compared with that part's largest value of all images.
struct Reference: Sendable {
  private struct Output {
    let name: String
    let kind: any OutputKind
    let shape: [Int]
    let rows: [[Float]]

    /// The largest value of each part.
    let peaks: [Double]

    init(_ name: String, kind: any OutputKind, shape: [Int], rows: [[Float]]) {
      self.name = name
      self.kind = kind
      self.shape = shape
      self.rows = rows
      var peaks = Array(repeating: 0.0, count: kind.parts.count)
      for row in rows {
        for (place, value) in row.enumerated() {
          peaks.raise(kind.part(of: place, shape: shape), to: abs(Double(value)))
        }
      }
      self.peaks = peaks
    }
  }

  private static let veryLarge = 1e30
  private static let smallestPeak = 1e-3

  private let outputs: [Output]

  /// How far an image's outputs are from those here; what is no number counts as very large.
  func errors(_ given: OutputValues, image: Int) throws -> Errors {
    var errors = Errors()
    for output in outputs {
      guard let found = given.first(where: { $0.name == output.name })?.numbers, output.rows.indices.contains(image),
        found.count == output.rows[image].count
      else { throw refused("the output \(output.name) of image \(image) is not that of the reference") }
      var largest = Array(repeating: 0.0, count: output.peaks.count)
      for (place, value) in found.enumerated() {
        let error = abs(Double(value) - Double(output.rows[image][place]))
        let part = output.kind.part(of: place, shape: output.shape)
        largest.raise(part, to: error < Self.veryLarge ? error : Self.veryLarge)
      }
      for (error, peak) in zip(largest, output.peaks) {
        errors.absolute = max(errors.absolute, error)
        errors.relative = max(errors.relative, min(error / max(peak, Self.smallestPeak), Self.veryLarge))
      }
    }
    return errors
  }

  /// The outputs in a safetensors file, whose kinds are known by the outputs' names.
  static func read(_ file: URL, kinds: [String: String]) throws -> Reference {
    let stored = try SafetensorsFile.open(file)
    return Reference(
      outputs: try kinds.sorted { $0.key < $1.key }.map { name, kind in
        guard let shape = stored.shape(of: name), let count = shape.first, let kind = OutputKinds.find(kind) else {
          throw refused("\(file.path) has no output \(name) of a known kind; use one version on both sides")
        }
        let rows = try (0..<count).map { try stored.floats(name, $0, of: count) }
        return Output(name, kind: kind, shape: Array(shape.dropFirst()), rows: rows)
      })
  }

  /// The golden vectors of a bundle.
  static func of(_ golden: GoldenVectors, _ manifest: Manifest) throws -> Reference {
    let shapes = try OutputShapes.of(manifest)
    return Reference(
      outputs: try manifest.outputs.compactMap { output in
        guard let kind = OutputKinds.find(output.kind) else { return nil }
        let rows = try (0..<golden.images).map { try golden.output(output.name, image: $0) }
        return Output(output.name, kind: kind, shape: try shapes.of(output), rows: rows)
      })
  }
}

extension [Double] {
  /// Lets a place be at least a value.
  fileprivate mutating func raise(_ place: Int, to value: Double) { self[place] = Swift.max(self[place], value) }
}
