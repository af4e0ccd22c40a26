import Foundation
import Testing

@testable import MVMoE

@Suite struct GoldenVectorsTests {
  /// What is wrong with one of the tensors of a file.
  struct Fault: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let tensor: String
    let change: @Sendable (inout WrittenTensor) -> Void

    init(_ name: String, _ tensor: String, _ change: @escaping @Sendable (inout WrittenTensor) -> Void) {
      testDescription = name
      self.tensor = tensor
      self.change = change
    }
  }

  private let folder = TemporaryFolder()

  /// Two routed stages, the second without a router; three images.
  private static let tensors = [
    WrittenTensor.floats("image", [3, 1, 2, 2]) { Float($0) },
    .floats("logits.1", [3, 3]) { -Float($0) },
    WrittenTensor(name: "members.1", dtype: "BOOL", shape: [3, 3], bytes: [1, 0, 1, 0, 0, 0, 0, 1, 0]),
    .floats("gates.1", [3, 3]) { Float($0) / 8 },
    WrittenTensor(name: "members.2", dtype: "BOOL", shape: [3, 2], bytes: [0, 1, 0, 0, 1, 1]),
    .floats("gates.2", [3, 2]) { _ in 1 },
    .floats("outputs.answer", [3, 2]) { Float($0) * 1.5 },
  ]

  private static let faults: [Fault] = [
    Fault("a gap", "image") { $0.offsets = [4, 52] },
    Fault("an overlap", "logits.1") { $0.offsets = [0, 36] },
    Fault("beyond the end", "outputs.answer") { $0.offsets = [177, 1000] },
    Fault("backwards", "image") { $0.offsets = [48, 0] },
    Fault("below zero", "image") { $0.offsets = [-4, 44] },
    Fault("beyond all numbers", "image") { $0.offsets = [0, Int.max] },
    Fault("three offsets", "image") { $0.offsets = [0, 48, 48] },
    Fault("an unknown type", "image") { $0.dtype = "F31" },
    Fault("another type", "image") { $0.dtype = "I32" },
    Fault("another shape", "image") { $0.shape = [3, 4] },
    Fault("a shape of another size", "image") { $0.shape = [3, 1, 2, 3] },
    Fault("an astronomical shape", "image") { $0.shape = Array(repeating: Int(Int32.max), count: 8) },
    Fault("a shape below zero", "image") { $0.shape = [3, -1, -2, 2] },
    Fault("another name", "outputs.answer") { $0.name = "outputs.other" },
    Fault("a name of other bytes", "outputs.answer") { $0.name = "outputs.answe\u{0301}r" },
    Fault("a name that is canonically another", "gates.2") { $0.name = "outputs.\u{212A}" },
  ]

  @Test func eachImageHasItsOwnRows() throws {
    let vectors = try opened(safetensors(Self.tensors))
    #expect(vectors.images == 3)
    #expect(try vectors.image(1) == [4, 5, 6, 7])
    #expect(try vectors.logits(stage: 1, image: 1) == [-3, -4, -5])
    #expect(try vectors.logits(stage: 2, image: 1).isEmpty, "a stage without a router")
    #expect(try (0..<3).map { try vectors.members(stage: 1, image: $0) } == [[0, 2], nil, [1]])
    #expect(try (0..<3).map { try vectors.members(stage: 2, image: $0) } == [[1], nil, [0, 1]])
    #expect(try vectors.gates(stage: 1, image: 2) == [0.75, 0.875, 1])
    #expect(try vectors.output("answer", image: 1) == [3, 4.5])
  }

  @Test func tensorsMayStandInAnyOrderWithNotesBesideThem() throws {
    let file = safetensors(Self.tensors.reversed(), more: ["\"__metadata__\":{\"format\":\"np\"}"])
    #expect(try opened(file).image(2) == [8, 9, 10, 11])
  }

  @Test func valuesAreReadBitForBit() throws {
    let bits: [UInt32] = [0, 1, 0x8000_0000, 0x7f80_0000, 0x0080_0001, 0x7f80_0001]
    let odd = Self.tensors.dropLast() + [.floats("outputs.answer", [3, 2]) { Float(bitPattern: bits[$0]) }]
    let vectors = try opened(safetensors(Array(odd)))
    #expect(try (0..<3).flatMap { try vectors.output("answer", image: $0) }.map(\.bitPattern) == bits)
  }

  @Test(arguments: faults)
  func aDamagedFileIsRefused(_ fault: Fault) throws {
    var tensors = Self.tensors
    let place = try #require(tensors.firstIndex { $0.name == fault.tensor })
    fault.change(&tensors[place])
    #expect(refusal { try opened(safetensors(tensors)) }?.code == .bundleGoldenInvalid)
  }

  @Test(arguments: [
    ("no bytes", []),
    ("seven bytes", [UInt8](repeating: 0, count: 7)),
    ("no JSON", withHeader(Array("{".utf8), contents)),
    ("an array", withHeader(Array("[]".utf8), contents)),
    ("a key twice", withHeader(Array("{\"a\":{},\"a\":{}}".utf8), contents)),
    ("no tensor", withHeader(Array("{\"image\":1}".utf8), contents)),
    ("no shape", withHeader(Array("{\"image\":{\"dtype\":\"F32\",\"data_offsets\":[0,48]}}".utf8), contents)),
    ("no UTF-8", withHeader([0xff], contents)),
    ("longer than the file", withHeader(Array("{}".utf8), [], length: 3)),
    ("longer than what is read", withHeader([UInt8](repeating: 32, count: (1 << 20) + 1), [])),
    ("2^63 bytes", withHeader(Array("{}".utf8), contents, length: 1 << 63)),
    ("2^62 bytes", withHeader(Array("{}".utf8), contents, length: 1 << 62)),
    ("nothing", withHeader(Array("{}".utf8), [])),
  ])
  func aDamagedHeaderIsRefused(_ what: String, _ file: [UInt8]) {
    #expect(refusal { try opened(file) }?.code == .bundleGoldenInvalid)
  }

  private static var contents: [[UInt8]] { tensors.map(\.bytes) }

  @Test func aVectorThatIsNotWhatTheManifestMakesItIsNamed() {
    let shape = Self.tensors.dropLast() + [.floats("outputs.answer", [3, 3]) { _ in 0 }]
    let error = refusal { try opened(safetensors(Array(shape))) }
    #expect(error?.code == .bundleGoldenInvalid)
    #expect(error?.fields == ["vector": "outputs.answer"])
    #expect(error?.message.contains("'outputs.answer' is F32 [3, 3] instead of F32 [3, 2]") == true)
    let more = refusal { try opened(safetensors(Self.tensors + [.floats("logits.2", [3, 2]) { _ in 0 }])) }
    #expect(more?.fields == ["vector": "logits.2"])
    let fewer = refusal { try opened(safetensors(Array(Self.tensors.dropLast()))) }
    #expect(fewer?.fields == ["vector": "outputs.answer"])
  }

  @Test func aFileThatIsFarTooLongIsRefusedByItsSize() {
    let file = safetensors(Self.tensors)
    #expect(refusal { try opened(file + [UInt8](repeating: 0, count: 2_000_000)) }?.code == .bundleSizeMismatch)
    #expect(refusal { try opened(file + [UInt8](repeating: 0, count: 1000)) }?.code == .bundleGoldenInvalid)
  }

  @Test func rowsComeFromTheFileThatWasChecked() throws {
    let vectors = try opened(safetensors(Self.tensors))
    try FileManager.default.removeItem(at: folder["golden.safetensors"])
    try folder.write("golden.safetensors", "another file".utf8)
    #expect(try vectors.image(0) == [0, 1, 2, 3])
  }

  @Test func aFileThatWasCutOffCannotBeRead() throws {
    let vectors = try opened(safetensors(Self.tensors))
    #expect(truncate(folder["golden.safetensors"].path, 100) == 0)
    let error = refusal { try vectors.output("answer", image: 2) }
    #expect(error?.code == .bundleFileUnreadable)
    #expect(error?.fields == ["file": "golden.safetensors"])
  }

  private func opened(_ bytes: [UInt8]) throws -> GoldenVectors {
    try folder.write("golden.safetensors", bytes)
    let manifest = try checkedManifest(Array(manifest(try record(of: "golden.safetensors", bytes)).utf8))
    return try GoldenVectors.open(folder.url, manifest)
  }

  private func manifest(_ golden: FileRecord) -> String {
    """
    {
      "format": "mvmoe-bundle", "version": 2,
      "model": {"family": "fake", "name": "two", "params_total": 1, "params_active": 1, "macs": 1},
      "source": {"checkpoint_sha256": null, "packages": {}},
      "input": {"height": 2, "width": 2, "channel_order": "L", "mean": [0], "std": [1]},
      "stages": [
        {"name": "stem", "rule": null, "router": null, "takes": {"image": "image"},
         "gives": {"logits": "logits", "tokens": "tokens"}},
        {"name": "one", "rule": {"type": "threshold", "experts": 3, "thresholds": [0, 0, 0]}, "router": "logits",
         "takes": {"tokens": "tokens"}, "gives": {"x": "x"}},
        {"name": "two", "rule": {"type": "given", "experts": 2, "routes": {"a": [0], "b": [1], "c": [0, 1]}},
         "router": null, "takes": {"tokens": "tokens"}, "gives": {"answer": "answer"}}
      ],
      "outputs": [{"name": "answer", "kind": "logits", "tensors": ["answer"]}],
      "targets": {"onnx": {
        "format": "onnx", "strategy": "all-experts", "precision": "fp32", "batch": 1, "weights": null, "parity": null,
        "graphs": [
          \(graph(0, [("image", [1, 1, 2, 2])], [("logits", [1, 3]), ("tokens", [1, 4])])),
          \(graph(1, [("tokens", [1, 4]), ("gates", [1, 3])], [("x", [1, 4])])),
          \(graph(2, [("tokens", [1, 4]), ("gates", [1, 2])], [("answer", [1, 2])]))
        ],
        "files": [{"path": "model", "bytes": 0, "sha256": "\(String(repeating: "0", count: 64))"}]
      }},
      "usage_prior": null,
      "golden": {"images": 3, "file": {
        "path": "\(golden.path)", "bytes": \(golden.bytes), "sha256": "\(golden.sha256)"
      }}
    }
    """
  }

  private func graph(_ stage: Int, _ inputs: [(String, [Int])], _ outputs: [(String, [Int])]) -> String {
    func list(_ tensors: [(String, [Int])]) -> String {
      let items = tensors.map { "{\"name\": \"\($0)\", \"shape\": \($1), \"dtype\": \"float32\"}" }
      return "[\(items.joined(separator: ", "))]"
    }
    return """
      {"name": "graph\(stage)", "stage": \(stage), "route": null, "file": "model", "weight_bytes": 0, "exclusive_bytes": 0,
       "inputs": \(list(inputs)), "outputs": \(list(outputs))}
      """
  }
}
