/// The distinct tensors of a target, and their bytes together.
struct BufferSizes {
  /// Under each name of a stage's graphs: one type but for what strategies add.
  private struct Buffer: Hashable {
    let stage: Int
    let name: String
    let type: TensorType
  }

  private var seen: Set<Buffer> = []

  private(set) var bytes = 0

  /// Adds tensors that are no larger than ``mostElements``: their sum is then within all numbers.
  mutating func add(_ stage: Int, _ tensors: NamedTypes) {
    for (name, type) in tensors where seen.insert(Buffer(stage: stage, name: name, type: type)).inserted {
      bytes += elementCount(of: type.shape) * (type.dtypes.map(\.bytes).max() ?? 0)
    }
  }
}
