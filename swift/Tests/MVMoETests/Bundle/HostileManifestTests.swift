import Testing

@testable import MVMoE

/// Manifests that would take hours or all memory where a check multiplied what they hold. Each takes a few seconds at most; the
/// limit only ends what would go on for ever.
@Suite(.timeLimit(.minutes(5))) struct HostileManifestTests {
  @Test func aRuleWithMoreRoutesThanAtomsEndsAtTheFirstGraphThatIsMissing() throws {
    var manifest = try BundlesSuite.manifest("single")
    manifest.setRule(["type": "top_k", "experts": 4096, "k": 2048], stage: 1)
    #expect(code(of: manifest) == "bundle.graphs-mismatch")
  }

  @Test func soDoesARuleWithFinishingRoutes() throws {
    var manifest = try BundlesSuite.manifest("single")
    manifest.setRule(thresholds(4096), stage: 1)
    manifest[at: "stages", 1, "finishes"] = .array((0..<1024).map { [.of($0)] })
    manifest[at: "targets", "onnx", "strategy"] = "bind"
    #expect(code(of: manifest) == "bundle.output-missing")
    let router = manifest[at: "stages", 1, "router"]
    manifest[at: "outputs"] = [["name": "logits", "kind": "tensor", "tensors": [router]]]
    #expect(code(of: manifest) == "bundle.graphs-mismatch")
  }

  @Test func manyLongRoutesAreFoundAtOnce() throws {
    var manifest = try BundlesSuite.manifest("single")
    manifest.setRule(thresholds(4096), stage: 1)
    // Each pair of experts is one of two, so that routes differ in a few places.
    let routes: [[Int]] = (0..<1 << 14).map { bits in (0..<14).flatMap { pair($0, bits >> $0 & 1) } }
    func prior(_ routes: [[Int]]) -> JSONValue {
      [.array(routes.map { ["route": .of($0), "share": .of(1 / Double(routes.count))] })]
    }
    manifest[at: "usage_prior"] = prior(routes)
    #expect(code(of: manifest) == "bundle.graphs-mismatch", "the prior is sound")
    manifest[at: "usage_prior"] = prior(routes + [routes[0]])
    #expect(code(of: manifest) == "bundle.manifest-inconsistent", "a route twice")
  }

  private func pair(_ number: Int, _ which: Int) -> [Int] { [200 * number + which, 200 * number + 100 - 31 * which] }

  @Test func anObjectOfManyKeysIsReadInOneGo() throws {
    var manifest = try BundlesSuite.manifest("single")
    let keys = (0..<100_000).map { "key\($0)" }
    manifest[at: "targets", "onnx", "options"] = .object(keys.map { ($0, 1) })
    #expect(code(of: manifest) == nil)
    manifest[at: "targets", "onnx", "options"] = .object((keys + ["key7"]).map { ($0, 1) })
    #expect(code(of: manifest) == "bundle.manifest-duplicate-key")
  }

  @Test func aCharacterOfManyMarksIsReadInOneGo() throws {
    let text = "e" + String(repeating: "\u{301}", count: 1_000_000)
    var manifest = try BundlesSuite.manifest("single")
    manifest[at: "model", "name"] = .string(text)
    #expect(code(of: manifest) == "bundle.manifest-out-of-range")
    manifest[at: "model", "name"] = "name"
    manifest[at: "model", .member(text)] = 1
    #expect(code(of: manifest) == "bundle.manifest-unknown-field")
  }

  @Test func pathsOfManyFoldersAreNotMultipliedByTheirDepth() throws {
    var manifest = try BundlesSuite.manifest("minimal")
    let deep = String(repeating: "a/", count: 245)
    let hash = String(repeating: "0", count: 64)
    let more = (0..<30_000).map { ["path": .of("\(deep)\($0)"), "bytes": 0, "sha256": .of(hash)] as JSONValue }
    manifest[at: "targets", "onnx", "files"].list += more
    let target = try manifest.checkedManifest().targets[0]
    #expect(GraphFiles(target).files(of: target.graphs[0]).count == 30_001)
  }

  @Test(arguments: [
    Array(repeating: Int(Int32.max), count: 8), [1, 1 << 30, 1 << 30, 16], [1, 1 << 16, 1 << 16, 1 << 16, 1 << 16],
  ])
  func sizesBeyondAllNumbersAreTooLargeNotSmallAgain(_ shape: [Int]) throws {
    var manifest = try BundlesSuite.manifest("minimal")
    manifest[at: "targets", "onnx", "graphs", 0, "outputs", 0, "shape"] = .of([1] + shape.dropFirst())
    manifest[at: "outputs", 0, "kind"] = "tensor"
    #expect(code(of: manifest) == "bundle.too-large")
  }

  @Test func aWeightOfAstronomicalShapeIsNotInsideOfItsRange() throws {
    var manifest = try BundlesSuite.manifest("bound")
    manifest[at: "targets", "onnx", "experts", 0, 0, "tensors", "more"] = [
      "offset": 0, "shape": .of([1 << 30, 1 << 30, 16]), "dtype": "float32",
    ]
    #expect(code(of: manifest) == "bundle.ranges-invalid")
  }

  @Test func inputsTimesExpertsAreNotComparedOneByOne() throws {
    // All experts but the first finish images and have no weights; the graph binds one tensor to nearly all of its inputs.
    let others = 1024
    var manifest = try manyExperts(others)
    var target = manifest[at: "targets", "onnx"]
    let names = (0..<9000).map { "w\($0)" }
    let bound: JSONValue = ["place": 0, "tensor": "matrix"]
    let inputs: [JSONValue] = names.map { ["name": .of($0), "shape": [1, 4, 3], "dtype": "float32"] }
    let last = target[at: "graphs"].list.count - 1
    target[at: "graphs", .item(last), "inputs"].list += inputs
    target[at: "graphs", .item(last), "bound"].object += names.map { (key: $0, value: bound) }
    manifest[at: "targets", "onnx"] = target
    #expect(code(of: manifest) == nil)
    manifest[at: "targets", "onnx", "experts", 1, .item(others), "tensors"] = [
      "matrix": ["offset": 0, "shape": [1], "dtype": "float32"]
    ]
    manifest[at: "targets", "onnx", "experts", 1, .item(others), "bytes"] = 4
    #expect(code(of: manifest) == "bundle.ranges-invalid", "in the range of another expert")
  }

  @Test func manyEmptyObjectsAndArraysTakeLittleMemory() throws {
    let nothing = "[" + String(repeating: "[],{},0,", count: 1_000_000) + "0]"
    let text = "\(try BundlesSuite.manifest("minimal").json.dropLast()),\"more\":\(nothing)}"
    #expect(code(of: Array(text.utf8)) == "bundle.manifest-unknown-field")
  }

  @Test(arguments: [#"{"a":1},"#, #""\u0041\u00e9","#, "1.5e-7,", #""é\n","#, "                ", #"{"a":{"b":[0]}},"#])
  func aLargeTextIsReadInOneGo(_ piece: String) {
    let text = "[" + String(repeating: piece, count: (4 << 20) / piece.utf8.count) + "0]"
    #expect(code(of: Array(text.utf8)) == "bundle.manifest-wrong-type")
  }

  /// The bundle `bound` with one target, whose last stage has this number of experts beside its first one.
  private func manyExperts(_ others: Int) throws -> JSONValue {
    var manifest = try BundlesSuite.manifest("bound")
    manifest[at: "targets"] = ["onnx": manifest[at: "targets", "onnx"]]
    manifest.setRule(["type": "top_k", "experts": .of(1 + others)], stage: 2)
    manifest[at: "stages", 2, "finishes"] = .array((1...others).map { [.of($0)] })
    let nothing: JSONValue = ["offset": 0, "bytes": 0, "tensors": [:]]
    manifest[at: "targets", "onnx", "experts", 1].list += Array(repeating: nothing, count: others - 1)
    manifest[at: "targets", "onnx", "graphs", 0, "outputs", 2, "shape"] = .of([1, 1 + others])
    return manifest
  }

  private func thresholds(_ experts: Int) -> JSONValue {
    ["type": "threshold", "experts": .of(experts), "thresholds": .of(Array(repeating: 0, count: experts))]
  }

  private func code(of manifest: JSONValue) -> String? { refusalCode { try manifest.checkedManifest() } }

  private func code(of text: [UInt8]) -> String? { refusalCode { try checkedManifest(text) } }
}

extension JSONValue {
  /// Gives a stage another rule, to which no usage prior belongs.
  fileprivate mutating func setRule(_ rule: JSONValue, stage: Int) {
    self[at: "stages", .item(stage), "rule"] = rule
    self[at: "usage_prior"] = nil
  }
}
