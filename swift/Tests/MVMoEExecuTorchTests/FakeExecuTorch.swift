#if os(Linux)
  import Foundation

  @testable import MVMoE
  @testable import MVMoEExecuTorch
  @testable import MVMoEONNX

  /// Stands in for ExecuTorch: it computes with ONNX Runtime, fails as it is told, and notices what crashes the real one.
  final class FakeExecuTorch: ExecuTorchPrograms {
    /// What goes wrong with a method.
    enum Fault: Sendable {
      case load(String)
      case run(String)

      /// It says that it has fewer outputs than it has, and gives as many.
      case fewerOutputs

      /// It gives other outputs than it says.
      case changes(@Sendable ([GivenTensor?]) -> [GivenTensor?])

      /// It says something else of its outputs.
      case says(@Sendable (MethodTensor?) -> MethodTensor?)
    }

    let faults: MVMoE.Guarded<[String: Fault]>
    let wrongs = MVMoE.Guarded<[String]>([])
    let methods = MVMoE.Guarded(0)
    private let onnx: URL
    private let isLoading = MVMoE.Guarded(false)

    init(_ bundle: ExecuTorchBundle, _ faults: [String: Fault] = [:]) {
      onnx = bundle.onnx
      self.faults = MVMoE.Guarded(faults)
    }

    func load(_ file: URL, method: String) throws -> any ExecuTorchMethod {
      let isOther = isLoading.withLock { isLoading in
        defer { isLoading = true }
        return isLoading
      }
      if isOther { wrongs.withLock { $0.append("two loads at once") } }
      defer { isLoading.withLock { $0 = false } }
      let names = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map(String.init)
      guard names.contains(method) else {
        throw FakeError("[ExecuTorch Error 0x12] Invalid argument: method \(method)")
      }
      let fault = faults.withLock { $0[method] }
      if case .load(let message) = fault { throw FakeError(message) }
      let target = try ModelBundle.open(onnx).target("onnx")
      guard let graph = target.graphs.first(where: { $0.name == method }) else { throw FakeError("no graph") }
      return try FakeMethod(graph, root: onnx, fault, self)
    }
  }

  struct FakeError: LocalizedError {
    let errorDescription: String?

    init(_ message: String) { errorDescription = message }
  }

  /// A method, with one set of buffers for what it gives.
  private final class FakeMethod: ExecuTorchMethod {
    private let graph: Graph
    private let fault: FakeExecuTorch.Fault?
    private let system: FakeExecuTorch
    private let session: Session
    private let shared: SharedTensors
    private let own: [Tensor]
    private let isRunning = MVMoE.Guarded(false)

    init(_ graph: Graph, root: URL, _ fault: FakeExecuTorch.Fault?, _ system: FakeExecuTorch) throws {
      self.graph = graph
      self.fault = fault
      self.system = system
      guard let library = OrtLibrary.shared else { throw FakeError("no ONNX Runtime") }
      try Environment.shared.start(library, threads: 1, wantsPool: false)
      let live = LiveObjects()
      let options = try SessionOptions(library, live: live.options)
      session = try Session(
        path: root.appendingPathComponent(graph.file).path, options: options, library: library, live: live.sessions)
      shared = try SharedTensors(library, live: live.tensors)
      own = graph.outputs.map { Tensor(dtype: $0.dtype, shape: $0.shape) }
      system.methods.withLock { $0 += 1 }
    }

    deinit {
      // What lies in its memory is nobody's any more.
      for tensor in own { tensor.floats.update(repeating: .nan) }
      system.methods.withLock { $0 -= 1 }
    }

    var inputs: [MethodTensor?] { graph.inputs.map { MethodTensor(type: $0.dtype.rawValue, shape: $0.shape) } }

    var outputs: [MethodTensor?] {
      let real: [MethodTensor?] = graph.outputs.map { MethodTensor(type: $0.dtype.rawValue, shape: $0.shape) }
      switch fault {
      case .fewerOutputs: return real.dropLast()
      case .says(let change): return real.map(change)
      default: return real
      }
    }

    func values(over tensors: [Tensor]) throws -> any ExecuTorchValues {
      FakeValues(
        NamedValues(names: CStrings(graph.inputs.map(\.name)), values: try tensors.map(shared.value)),
        NamedValues(names: CStrings(graph.outputs.map(\.name)), values: try own.map(shared.value)))
    }

    func run(_ values: any ExecuTorchValues, _ read: ([GivenTensor?]) throws -> Void) throws {
      guard let values = values as? FakeValues else { throw FakeError("other values") }
      let isOther = isRunning.withLock { isRunning in
        defer { isRunning = true }
        return isRunning
      }
      if isOther { system.wrongs.withLock { $0.append("\(graph.name) runs twice at once") } }
      defer { isRunning.withLock { $0 = false } }
      if case .run(let message) = fault { throw FakeError(message) }
      try session.run(values.inputs, values.outputs)
      let given: [GivenTensor?] = own.map { tensor in
        GivenTensor(
          tensor: MethodTensor(type: tensor.dtype.rawValue, shape: tensor.shape),
          bytes: UnsafeRawBufferPointer(tensor.bytes))
      }
      if case .changes(let change) = fault { return try read(change(given)) }
      try read(given)
    }
  }

  private final class FakeValues: ExecuTorchValues {
    let inputs: NamedValues
    let outputs: NamedValues

    init(_ inputs: NamedValues, _ outputs: NamedValues) {
      self.inputs = inputs
      self.outputs = outputs
    }
  }
#endif
