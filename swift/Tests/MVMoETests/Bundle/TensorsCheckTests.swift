import Testing

@testable import MVMoE

/// What the conformance cases of tensors leave out.
@Suite struct TensorsCheckTests {
  @Test func aTensorBetweenStagesHasASizeBehindTheBatch() throws {
    var manifest = try BundlesSuite.manifest("single")
    for target in manifest[at: "targets"].object.indices {
      manifest[at: "targets"].object[target].value[at: "graphs"].list.mapInPlace { graph in
        for side in ["inputs", "outputs"] {
          graph[at: .member(side)].list.mapInPlace { tensor in
            guard tensor[at: "name"].json == "\"tokens\"" else { return }
            tensor[at: "shape"].list = Array(tensor[at: "shape"].list.prefix(1))
          }
        }
      }
    }
    #expect(refusalCode { try manifest.checkedManifest() } == "bundle.tensors-mismatch")
  }

  @Test func onlyTheImageIsPixelsNotWhatSteersRoutersInsideOfAGraph() throws {
    var manifest = try BundlesSuite.manifest("inner-routers")
    let order = manifest[at: "input", "channel_order"].isNull ? "RGB" : manifest[at: "input", "channel_order"]
    let channels = order.json == "\"L\"" ? 1 : 3
    let pixels: JSONValue = [
      "channel_order": order, "scale": .of(Array(repeating: 1, count: channels)),
      "bias": .of(Array(repeating: 0, count: channels)),
    ]
    manifest[at: "targets", "onnx", "graphs", 0, "inputs", 0, "pixels"] = pixels
    #expect(refusalCode { try manifest.checkedManifest() } == nil)
    manifest[at: "targets", "onnx", "graphs", 0, "inputs", 1, "pixels"] = pixels
    #expect(refusalCode { try manifest.checkedManifest() } == "bundle.manifest-inconsistent")
  }

  @Test func aNameTwiceAmongTheTensorsOfAGraphIsRefused() throws {
    var manifest = try BundlesSuite.manifest("single")
    let gates = manifest[at: "targets", "onnx", "graphs", 1, "inputs"].list.last ?? .null
    manifest[at: "targets", "onnx", "graphs", 1, "inputs"].list.append(gates)
    #expect(refusalCode { try manifest.checkedManifest() } == "bundle.tensors-mismatch")
  }
}

extension Array {
  fileprivate mutating func mapInPlace(_ change: (inout Element) -> Void) {
    for place in indices { change(&self[place]) }
  }
}
