/// Types of tensors, each name once, in the order in which they were put in.
struct NamedTypes {
  private(set) var names: [String] = []

  private var types: [String: TensorType] = [:]

  /// None.
  init() {}

  /// Some tensors of a graph; of those with one name the last.
  init(_ specs: [TensorSpec]) {
    for spec in specs { self[spec.name] = TensorType(shape: spec.shape, dtypes: [spec.dtype]) }
  }

  /// The type of a name; one that is put in anew keeps the place of the old one. None is taken out.
  subscript(name: String) -> TensorType? {
    get { types[name] }
    set {
      guard let newValue else { return }
      if types.updateValue(newValue, forKey: name) == nil { names.append(name) }
    }
  }

  mutating func append(_ others: some Sequence<(name: String, type: TensorType)>) {
    for (name, type) in others { self[name] = type }
  }
}

extension NamedTypes: Sequence {
  var count: Int { names.count }

  var underestimatedCount: Int { names.count }

  func makeIterator() -> AnyIterator<(name: String, type: TensorType)> {
    var names = names.makeIterator()
    return AnyIterator {
      guard let name = names.next(), let type = types[name] else { return nil }
      return (name, type)
    }
  }
}

/// Types for a message.
func words(_ dtypes: Set<DType>) -> String { dtypes.map(\.rawValue).sorted().joined(separator: " or ") }
