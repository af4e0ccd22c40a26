import Foundation
import Testing

@testable import MVMoE

/// Reads bundles by the steps of the library, of which some may be left out or replaced: the suite has to notice that.
struct BundleReader: Sendable, CustomTestStringConvertible {
  var testDescription: String

  /// The JSON of a manifest.
  var parse: @Sendable ([UInt8]) throws -> JSONValue = { try StrictJSON.parse($0) }

  /// The checks of ``Consistency`` that it lacks.
  var dropped: Set<String> = []

  var refusesLinks = true
  var checksFiles = true
  var checksGolden = true

  init(_ name: String, _ change: (inout BundleReader) -> Void = { _ in }) {
    testDescription = name
    change(&self)
  }

  /// What it reads of a bundle, all of which it checks.
  func read(_ root: URL) throws -> JSONValue {
    let manifest = try ManifestReader.read(parse(bytes(root)))
    try check(manifest)
    if checksFiles {
      for target in manifest.targets { _ = try CheckedFiles.verify(root: root, files: target.files) }
    }
    if checksGolden { _ = try GoldenVectors.open(root, manifest) }
    return summary(manifest)
  }

  private func bytes(_ root: URL) throws -> [UInt8] {
    guard FileManager.default.fileExists(atPath: root.path) else {
      throw MVMoEError(.bundleMissing, "there is no bundle at \(root.path)")
    }
    if refusesLinks { _ = try PlainFiles(root).open("manifest.json") }
    return [UInt8](try Data(contentsOf: root.appendingPathComponent("manifest.json")))
  }

  private func check(_ manifest: Manifest) throws {
    var shapes = OutputShapes()
    for (name, check) in BundleReader.checks where !dropped.contains(name) { try check(manifest, &shapes) }
    for target in manifest.targets {
      let strategy = try strategy(of: target)
      for (name, check) in BundleReader.targetChecks where !dropped.contains(name) {
        try check(target, strategy, manifest, &shapes)
      }
    }
    for (name, check) in BundleReader.lastChecks where !dropped.contains(name) { try check(manifest, shapes) }
  }
}

/// What ``Consistency`` does, by name.
extension BundleReader {
  private typealias Check = @Sendable (Manifest, inout OutputShapes) throws -> Void
  private typealias TargetCheck = @Sendable (Target, any Strategy, Manifest, inout OutputShapes) throws -> Void
  private typealias LastCheck = @Sendable (Manifest, OutputShapes) throws -> Void

  static var checkNames: [String] { checks.map(\.0) + targetChecks.map(\.0) + lastChecks.map(\.0) }

  private static let checks: [(String, Check)] = [
    ("stages", { manifest, _ in try checkStages(manifest.stages) }),
    ("outputs", { manifest, _ in try checkOutputs(manifest) }),
    ("usage prior", { manifest, _ in try checkUsagePrior(manifest) }),
    ("restrictions", { manifest, _ in try checkRestrictions(manifest.restrictions) }),
    ("paths", { manifest, _ in try checkPaths(manifest) }),
    ("lists of files", { manifest, _ in try checkFiles(manifest) }),
  ]

  private static let targetChecks: [(String, TargetCheck)] = [
    ("routers in a graph", { target, strategy, manifest, _ in try checkRouters(target, strategy, manifest) }),
    ("graphs", { target, strategy, manifest, _ in try checkGraphs(target, strategy, graphStages(manifest, target)) }),
    ("bytes of experts", { target, strategy, manifest, _ in try checkExpertBytes(target, strategy, manifest.rules) }),
    ("compression", { target, _, manifest, _ in try checkCompression(target, manifest.rules) }),
    ("tensors", { target, strategy, manifest, shapes in try checkTensors(target, strategy, manifest, &shapes) }),
    ("ranges", { target, strategy, manifest, _ in try checkRanges(target, strategy, manifest.rules) }),
    ("bound inputs", { target, _, manifest, _ in try checkBound(target, manifest.stages) }),
  ]

  private static func checkRouters(_ target: Target, _ strategy: any Strategy, _ manifest: Manifest) throws {
    if target.routersInGraph { try checkRoutersInGraph(target, strategy, manifest) }
  }

  private static let lastChecks: [(String, LastCheck)] = [
    ("kinds", { manifest, shapes in try checkKinds(manifest, shapes) }),
    ("sizes of golden vectors", { manifest, shapes in try checkGoldenSize(manifest, shapes) }),
  ]
}

/// Readers that lack something.
extension BundleReader {
  static let wrong = withoutAStep + withoutACheck + withOtherDefaults

  private static let withoutAStep = [
    BundleReader("no golden vectors") { $0.checksGolden = false },
    BundleReader("no hashes") { $0.checksFiles = false },
    BundleReader("follows links") { $0.refusesLinks = false },
    BundleReader("reads JSON freely") { $0.parse = freeJSON },
    BundleReader("reads ASCII alone") { $0.parse = asciiAlone },
  ]

  private static let withoutACheck = checkNames.map { name in
    BundleReader("no check of \(name)") { reader in
      reader.dropped = [name]
      // It relies on graphs of stages that there are.
      if name == "graphs" { reader.dropped.insert("tensors") }
    }
  }

  private static let withOtherDefaults = otherDefaults.map { place, field, value in
    BundleReader("another default of \(field)") { reader in
      reader.parse = { try filled(StrictJSON.parse($0), place, field, value) }
    }
  }

  /// As Foundation reads it: a key twice, and other numbers.
  @Sendable private static func freeJSON(_ bytes: [UInt8]) throws -> JSONValue {
    do {
      let object = try JSONSerialization.jsonObject(with: Data(bytes), options: [.fragmentsAllowed])
      return try StrictJSON.parse([UInt8](JSONSerialization.data(withJSONObject: object, options: [.fragmentsAllowed])))
    } catch let error as MVMoEError {
      throw error
    } catch {
      throw MVMoEError(.bundleManifestNotJson, "\(error)")
    }
  }

  @Sendable private static func asciiAlone(_ bytes: [UInt8]) throws -> JSONValue {
    guard bytes.allSatisfy({ $0 < 0x80 }) else { throw MVMoEError(.bundleManifestNotJson, "it is not in ASCII") }
    return try StrictJSON.parse(bytes)
  }

  /// Where a field may be left out, the field, and what it is not then.
  private static let otherDefaults: [(place: String, field: String, value: JSONValue)] = [
    ("input", "channel_order", "BGR"), ("input", "resize", "squash"), ("input", "crop_fraction", 0.875),
    ("input", "interpolation", "bilinear"), ("input", "mean", [0.5, 0.5, 0.5]), ("input", "std", [0.5, 0.5, 0.5]),
    ("bounds", "own_error_factor", 4), ("bounds", "conditioned_error", 0.01),
    ("top_k", "k", 2), ("top_k", "renormalize", true), ("given", "choice", "task"),
  ]

  /// The manifest with the field in each object of the place that leaves it out: a member, or a type of rule.
  @Sendable private static func filled(
    _ value: JSONValue, _ place: String, _ field: String, _ missing: JSONValue
  ) -> JSONValue {
    switch value {
    case .array(let items):
      return .array(items.map { filled($0, place, field, missing) })
    case .object(let members):
      var result = JSONValue.object(
        members.map { key, value in
          var inner = filled(value, place, field, missing)
          if key == place, case .object = inner, inner[at: .member(field)].isNull {
            inner[at: .member(field)] = missing
          }
          return (key, inner)
        })
      if result[at: "type"].json == "\"\(place)\"", result[at: .member(field)].isNull {
        result[at: .member(field)] = missing
      }
      return result
    default:
      return value
    }
  }
}
