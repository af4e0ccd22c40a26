import COnnxRuntime
import MVMoE

/// A session of ONNX Runtime: one graph in memory.
///
/// It is `@unchecked Sendable` because ONNX Runtime lets threads run one session at once.
final class Session: @unchecked Sendable {
  private let pointer: OpaquePointer
  private let library: OrtLibrary
  private let live: LiveCount
  /// ONNX Runtime wants them to outlive every session.
  private let options: SessionOptions

  /// Loads the graph at a path; weights that lie beside it are found in no other way.
  ///
  /// - Throws: ``OrtError`` where ONNX Runtime refuses it.
  init(path: String, options: SessionOptions, library: OrtLibrary, live: LiveCount) throws {
    pointer = try Environment.shared.withPointer { environment in
      try library.make { library.api.pointee.CreateSession(environment, path, options.pointer, &$0) }
    }
    self.library = library
    self.options = options
    self.live = live
    live.add(1)
  }

  deinit {
    library.api.pointee.ReleaseSession(pointer)
    live.add(-1)
  }

  /// The graph's inputs, in its order.
  func inputs() throws -> [Signature] {
    let api = library.api
    var count = 0
    try library.check(api.pointee.SessionGetInputCount(pointer, &count))
    return try (0..<count).map { place in
      let name = try library.string { api.pointee.SessionGetInputName(pointer, place, $0, &$1) }
      return try signature(name, library.make { api.pointee.SessionGetInputTypeInfo(pointer, place, &$0) })
    }
  }

  /// The graph's outputs, in its order.
  func outputs() throws -> [Signature] {
    let api = library.api
    var count = 0
    try library.check(api.pointee.SessionGetOutputCount(pointer, &count))
    return try (0..<count).map { place in
      let name = try library.string { api.pointee.SessionGetOutputName(pointer, place, $0, &$1) }
      return try signature(name, library.make { api.pointee.SessionGetOutputTypeInfo(pointer, place, &$0) })
    }
  }

  /// Runs the graph; outputs are written where their values lie.
  func run(_ inputs: NamedValues, _ outputs: NamedValues) throws {
    try library.check(
      library.api.pointee.Run(
        pointer, nil, inputs.names.pointers.baseAddress, inputs.pointers.baseAddress, inputs.pointers.count,
        outputs.names.pointers.baseAddress, outputs.pointers.count, outputs.pointers.baseAddress))
  }

  /// Ends the profile that its options asked for; gives the path of its file.
  func endProfiling() throws -> String {
    try library.string { library.api.pointee.SessionEndProfiling(pointer, $0, &$1) }
  }

  /// A signature in the words of a manifest; frees what ONNX Runtime says of the type.
  private func signature(_ name: String, _ type: OpaquePointer) throws -> Signature {
    let api = library.api
    defer { api.pointee.ReleaseTypeInfo(type) }
    var tensor: OpaquePointer?
    try library.check(api.pointee.CastTypeInfoToTensorInfo(type, &tensor))
    guard let tensor else { return Signature(name: name, shape: [], dtype: "no tensor") }
    var element = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED
    try library.check(api.pointee.GetTensorElementType(tensor, &element))
    var rank = 0
    try library.check(api.pointee.GetDimensionsCount(tensor, &rank))
    var shape = [Int64](repeating: 0, count: rank)
    try library.check(api.pointee.GetDimensions(tensor, &shape, rank))
    return Signature(name: name, shape: shape.map { Int($0) }, dtype: typeName(element))
  }
}
