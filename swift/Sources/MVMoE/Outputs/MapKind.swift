/// `map`: numbers for each place `[C, H, W]`, such as depth or an enhanced image; judged by their errors alone.
struct MapKind: OutputKind {
  var name: String { "map" }

  var form: String { "[C, H, W]" }

  func fits(_ shape: [Int]) -> Bool { shape.count == 3 }

  func output(spec: OutputSpec, shape: [Int], values: [Float], transform: InputTransform?) -> any Output {
    MapOutput(spec: spec, shape: shape, values: values, transform: transform)
  }
}
