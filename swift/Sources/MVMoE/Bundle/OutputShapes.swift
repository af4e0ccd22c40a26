/// The shapes of the tensors that are outputs, for one image, as the first target has them: those of the others are the same.
package struct OutputShapes {
  private var shapes: [String: [Int]] = [:]

  subscript(tensor: String) -> [Int]? { shapes[tensor] }

  /// The shape of an output; every one that was checked has a shape.
  package func of(_ output: OutputSpec) throws -> [Int] {
    guard let shape = output.tensors.first.flatMap({ shapes[$0] }) else {
      throw inconsistent("no graph gives the output \(output.name)", Fault(.bundleOutputMissing))
    }
    return shape
  }

  mutating func add(_ tensor: String, _ shape: [Int]) { shapes[tensor] = shape }

  /// The shapes of a manifest that was checked, from the graphs of its first target.
  package static func of(_ manifest: Manifest) throws -> OutputShapes {
    var shapes = OutputShapes()
    guard let target = manifest.targets.first else { return shapes }
    var stages = StageInterfaces(target, try strategy(of: target), manifest)
    _ = try stages.all(&shapes)
    return shapes
  }
}
