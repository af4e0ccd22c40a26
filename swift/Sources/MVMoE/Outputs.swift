/// What a model gives for one image, in the order in which the model declares it.
///
/// ```swift
/// if let boxes = answer.outputs["boxes"] as? BoxesOutput { ... }
/// ```
public struct Outputs: Sendable {
  private let all: [any Output]

  init(_ all: [any Output]) { self.all = all }

  /// The output of that name; nil for a name that the model does not have, or whose stage the image did not run.
  public subscript(name: String) -> (any Output)? { all.first { $0.name == name } }

  /// The names, in order.
  public var names: [String] { all.map(\.name) }
}

extension Outputs: RandomAccessCollection {
  public var startIndex: Int { 0 }

  public var endIndex: Int { all.count }

  public subscript(place: Int) -> any Output { all[place] }
}
