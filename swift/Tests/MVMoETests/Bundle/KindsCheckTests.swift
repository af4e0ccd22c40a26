import Testing

@testable import MVMoE

@Suite struct KindsCheckTests {
  @Test func allTensorsOfAnOutputHaveOneShapeEachOfWhichWouldFitTheKind() throws {
    var manifest = try BundlesSuite.manifest("finishing")
    for place in manifest[at: "outputs"].list.indices { manifest[at: "outputs", .item(place), "labels"] = nil }
    _ = try manifest.checkedManifest()
    for place in manifest[at: "targets"].object.indices {
      manifest[at: "targets"].object[place].value = widened(manifest[at: "targets"].object[place].value)
    }
    let error = refusal { try manifest.checkedManifest() }
    #expect(error?.code == .bundleOutputShape)
    #expect(error?.message == "the tensors of the output answer have different shapes")
  }

  /// A target in which the answer of the last stage has one class more, in every graph that gives it.
  private func widened(_ target: JSONValue) -> JSONValue {
    var target = target
    target[at: "graphs"].list = target[at: "graphs"].list.map { graph in
      guard graph[at: "stage"].canonical == "2.0" else { return graph }
      var graph = graph
      graph[at: "outputs"].list = graph[at: "outputs"].list.map { output in
        guard output[at: "name"].canonical == "\"answer\"", let classes = try? output[at: "shape", 1].int() else {
          return output
        }
        var output = output
        output[at: "shape"] = .of([1, 1 + classes])
        return output
      }
      return graph
    }
    return target
  }
}
