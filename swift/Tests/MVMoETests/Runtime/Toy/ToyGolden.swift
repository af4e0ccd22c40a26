import Foundation

@testable import MVMoE

/// The golden vectors of a ``ToyModel`` for some images that take the two best experts at every stage.
struct ToyGolden {
  private let model: ToyModel
  private let images: [[Float]]
  private var header: [String: TestJSON] = [:]
  private var data = Data()

  /// The file of these vectors.
  static func file(_ model: ToyModel, _ images: [[Float]]) -> Data {
    var golden = ToyGolden(model: model, images: images)
    golden.putAll()
    let text = Data(TestJSON.object(golden.header).description.utf8)
    let length = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Data($0) }
    return length + text + golden.data
  }

  private init(model: ToyModel, images: [[Float]]) {
    self.model = model
    self.images = images
  }

  private mutating func putAll() {
    let ways = images.map(model.ways)
    put("image", [1, 1, model.width], images)
    for stage in model.experts.indices {
      let count = model.experts[stage]
      if model.hasRouter(stage) { put("logits.\(stage + 1)", [count], images.map { model.logits($0, stage) }) }
      let members = ways.map { way in (0..<count).map { way.routes[stage].contains($0) } }
      put("members.\(stage + 1)", "BOOL", [count], Data(members.joined().map { $0 ? 1 : 0 }))
      put(
        "gates.\(stage + 1)", [count],
        ways.map { way in
          (0..<count).map { expert in
            way.routes[stage].firstIndex(of: expert).map { way.gates[stage][$0] } ?? 0
          }
        })
    }
    put(
      "outputs.answer", [1],
      zip(images, ways).map { image, way in
        [model.answer(image[image.count - 1], routes: way.routes, gates: way.gates)]
      })
    put("outputs.scores", [3], images.map { [$0[$0.count - 1], 2 * $0[$0.count - 1], -$0[$0.count - 1]] })
  }

  private mutating func put(_ name: String, _ shape: [Int], _ rows: [[Float]]) {
    var bytes = Data()
    for value in rows.joined() { withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) } }
    put(name, "F32", shape, bytes)
  }

  private mutating func put(_ name: String, _ dtype: String, _ shape: [Int], _ bytes: Data) {
    header[name] = [
      "dtype": .text(dtype), "shape": .numbers([images.count] + shape),
      "data_offsets": .numbers([data.count, data.count + bytes.count]),
    ]
    data.append(bytes)
  }
}
