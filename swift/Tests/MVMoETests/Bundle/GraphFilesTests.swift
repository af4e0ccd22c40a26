import Testing

@testable import MVMoE

@Suite struct GraphFilesTests {
  @Test func aGraphHasItsOwnFileItsPackageAndWhatNoSingleGraphHas() {
    let target = target(
      ["p/one", "p/two.onnx"],
      files: [
        "p/one/weights/a", "p/one/b", "p/one.data", "p/two.onnx", "shared.bin", "p/one2/c",
      ])
    let files = GraphFiles(target)
    #expect(
      files.files(of: target.graphs[0]).map(\.path) == [
        "p/one/weights/a", "p/one/b", "p/one.data", "shared.bin", "p/one2/c",
      ])
    #expect(files.files(of: target.graphs[1]).map(\.path) == ["p/two.onnx", "p/one.data", "shared.bin", "p/one2/c"])
  }

  @Test func graphsOfOneFileShareIt() {
    let target = target(["model.pte", "model.pte"], files: ["model.pte", "weights.bin"])
    let files = GraphFiles(target)
    for graph in target.graphs { #expect(files.files(of: graph).map(\.path) == ["model.pte", "weights.bin"]) }
  }

  @Test(.timeLimit(.minutes(1)))
  func pathsOfManyFoldersAreNotMultipliedByTheirDepth() {
    let deep = String(repeating: "a/", count: 245)
    let target = target(["onnx/stem.onnx"], files: ["onnx/stem.onnx"] + (0..<30_000).map { "\(deep)\($0)" })
    #expect(GraphFiles(target).files(of: target.graphs[0]).count == 1 + 30_000)
  }

  /// A target with graphs in these files.
  private func target(_ graphs: [String], files: [String]) -> Target {
    Target(
      name: "onnx", format: "onnx", strategy: "dispatch", precision: "fp32", batch: 1,
      graphs: graphs.map { file in
        Graph(
          name: file, stage: 0, route: nil, file: file, entry: nil, weightBytes: 0, exclusiveBytes: 0, inputs: [],
          outputs: [],
          bound: [:], placement: [])
      },
      weights: nil, files: files.map { FileRecord(path: $0, bytes: 1, sha256: "") }, parity: nil, routersInGraph: false,
      options: [:], rewrites: [], sizes: nil, experts: [], bounds: Bounds(), compression: nil)
  }
}
