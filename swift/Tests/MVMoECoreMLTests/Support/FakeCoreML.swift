#if canImport(MVMoEONNX)
  import Foundation
  import MVMoEONNX

  @testable import MVMoE
  @testable import MVMoECoreML

  /// Stands in for Core ML: it computes with ONNX Runtime, and behaves as it is told.
  final class FakeCoreML: CoreMLSystem {
    struct Load: Sendable, Equatable {
      let function: String
      let units: ComputeUnits
    }

    private struct Counts {
      var compiled: [String] = []
      var made: [URL] = []
      var loads: [Load] = []
      var configurations: [ModelConfiguration] = []
      var predictions = 0
      var proposals = 0
      var models = 0
    }

    let version: SystemVersion
    let isSimulator: Bool
    let hasNeuralEngine: Bool
    let behaviour: Guarded<FakeBehaviour>
    private let onnx: URL
    private let counts = Guarded(Counts())
    private let hanging = Guarded<[CheckedContinuation<Void, Never>]>([])

    /// Its time passes while something hangs.
    let clock = HangClock()

    init(
      _ bundle: CoreMLBundle, version: SystemVersion = SystemVersion(name: "iOS", major: 18, minor: 1, patch: 0),
      isSimulator: Bool = false, hasNeuralEngine: Bool = true, _ change: (inout FakeBehaviour) -> Void = { _ in }
    ) {
      onnx = bundle.onnx
      self.version = version
      self.isSimulator = isSimulator
      self.hasNeuralEngine = hasNeuralEngine
      var behaviour = FakeBehaviour()
      change(&behaviour)
      self.behaviour = Guarded(behaviour)
    }

    deinit { release() }

    /// The packages that were compiled, in order.
    var compiled: [String] { counts.withLock { $0.compiled } }

    /// What compilations gave, in order.
    var made: [URL] { counts.withLock { $0.made } }

    /// The loads that were begun, in order.
    var loads: [Load] { counts.withLock { $0.loads } }

    var configurations: [ModelConfiguration] { counts.withLock { $0.configurations } }

    var predictions: Int { counts.withLock { $0.predictions } }

    /// Predictions for which memory was proposed.
    var proposals: Int { counts.withLock { $0.proposals } }

    /// Models in memory.
    var models: Int { counts.withLock { $0.models } }

    /// Whether no model stays in memory: the task that loaded one may let it go a moment after its caller.
    func isEmptied() async throws -> Bool {
      for _ in 0..<5000 where models > 0 { try await Task.sleep(for: .milliseconds(1)) }
      return models == 0
    }

    func behave(_ change: (inout FakeBehaviour) -> Void) { behaviour.withLock { change(&$0) } }

    /// Whatever hangs goes on.
    func release() {
      let waiting = hanging.withLock { waiting in
        defer { waiting = [] }
        return waiting
      }
      for continuation in waiting { continuation.resume() }
    }

    func compile(_ package: URL) async throws -> URL {
      counts.withLock { $0.compiled.append(package.lastPathComponent) }
      try await work(behaviour.withLock { $0.compile })
      let place = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).mlmodelc")
      try FileManager.default.copyItem(at: package, to: place)
      counts.withLock { $0.made.append(place) }
      return place
    }

    func functionNames(of compiled: URL) async throws -> [String] {
      behaviour.withLock { $0.functionNames }(try functions(of: compiled))
    }

    func load(_ compiled: URL, _ configuration: ModelConfiguration) async throws -> any CoreMLModel {
      let functions = try functions(of: compiled)
      guard let function = configuration.function ?? functions.first, functions.contains(function) else {
        throw FakeError("no such function")
      }
      counts.withLock { counts in
        counts.loads.append(Load(function: function, units: configuration.units))
        counts.configurations.append(configuration)
      }
      try await work(behaviour.withLock { $0.load }(configuration.units, function))
      let bundle = try ModelBundle.open(onnx)
      let target = try bundle.target("onnx")
      guard let graph = target.graphs.first(where: { $0.name == function }) else { throw FakeError("no such graph") }
      let loaded = try await ONNXEngine(threads: 1).open(root: onnx, target: target).load(graph)
      return FakeModel(graph, loaded, units: configuration.units, system: self)
    }

    func plan(_ compiled: URL, _ configuration: ModelConfiguration) async throws -> [String: [PlannedOperation]]? {
      behaviour.withLock { $0.plan }
    }

    fileprivate func answer(_ units: ComputeUnits, _ function: String) -> FakeBehaviour.Answer {
      behaviour.withLock { $0.answer }(units, function)
    }

    fileprivate func count(intoMemory: Bool) {
      counts.withLock { counts in
        counts.predictions += 1
        counts.proposals += intoMemory ? 1 : 0
      }
    }

    fileprivate func count(models: Int) { counts.withLock { $0.models += models } }

    private func functions(of compiled: URL) throws -> [String] {
      let text = try String(contentsOf: compiled.appendingPathComponent("Data/model.mlmodel"), encoding: .utf8)
      return text.split(separator: "\n").map(String.init)
    }

    private func work(_ work: FakeBehaviour.Work) async throws {
      switch work {
      case .works: return
      case .takes(let time): try await Task.sleep(for: time)
      case .fails(let message): throw FakeError(message)
      case .hangs:
        await withCheckedContinuation { continuation in
          hanging.withLock { $0.append(continuation) }
          clock.passes()
        }
      }
    }
  }

  struct FakeError: LocalizedError {
    let errorDescription: String?

    init(_ message: String) { errorDescription = message }
  }

  private final class FakeModel: CoreMLModel {
    let graph: Graph
    let loaded: any LoadedGraph
    let units: ComputeUnits
    let system: FakeCoreML

    init(_ graph: Graph, _ loaded: any LoadedGraph, units: ComputeUnits, system: FakeCoreML) {
      self.graph = graph
      self.loaded = loaded
      self.units = units
      self.system = system
      system.count(models: 1)
    }

    deinit { system.count(models: -1) }

    var inputs: [ModelFeature] { features(graph.inputs) }

    var outputs: [ModelFeature] { features(graph.outputs) }

    func call(inputs: [String: ModelInput], outputs: [String: Tensor]) throws -> any CoreMLCall {
      var taken: [String: Tensor] = [:]
      for (name, input) in inputs { if case .array(let tensor) = input { taken[name] = tensor } }
      let own = outputs.mapValues { Tensor(dtype: $0.dtype, shape: $0.shape) }
      return FakeCall(self, try loaded.bind(inputs: taken, outputs: own), own, outputs)
    }

    private func features(_ specs: [TensorSpec]) -> [ModelFeature] {
      let describe = system.behaviour.withLock { $0.describe }
      return specs.map {
        describe(ModelFeature(name: $0.name, kind: .array(shape: $0.shape, type: $0.dtype.rawValue)))
      }
    }
  }

  private final class FakeCall: CoreMLCall {
    private let model: FakeModel
    private let bound: any BoundGraph
    private let own: [String: Tensor]
    private let proposed: [String: Tensor]

    init(_ model: FakeModel, _ bound: any BoundGraph, _ own: [String: Tensor], _ proposed: [String: Tensor]) {
      self.model = model
      self.bound = bound
      self.own = own
      self.proposed = proposed
    }

    func predict(intoMemory: Bool) async throws -> [String: PredictedOutput] {
      let answer = model.system.answer(model.units, model.graph.name)
      model.system.count(intoMemory: intoMemory)
      // As Core ML does from iOS 17 on.
      try Task.checkCancellation()
      switch answer {
      case .fails(let message): throw FakeError(message)
      case .refusesMemory where intoMemory: throw FakeError("the output backing is not supported")
      default: break
      }
      try await bound.run()
      return own.compactMapValues { given($0, answer, intoMemory) }
        .merging(inPlace(answer, intoMemory)) { $1 }
    }

    private func inPlace(_ answer: FakeBehaviour.Answer, _ intoMemory: Bool) -> [String: PredictedOutput] {
      guard intoMemory, [.inPlace, .mixed, .zeros, .notFinite].contains(answer) else { return [:] }
      let written = answer == .mixed ? proposed.filter { $0.key == model.graph.outputs[0].name } : proposed
      for (name, tensor) in written {
        guard let computed = own[name] else { continue }
        switch answer {
        case .zeros: tensor.bytes.initializeMemory(as: UInt8.self, repeating: 0)
        case .notFinite: tensor.floats.update(repeating: .nan)
        default: tensor.bytes.copyMemory(from: UnsafeRawBufferPointer(computed.bytes))
        }
      }
      return written.mapValues { _ in .inPlace }
    }

    private func given(_ tensor: Tensor, _ answer: FakeBehaviour.Answer, _ intoMemory: Bool) -> PredictedOutput? {
      switch answer {
      case .nothing: nil
      case .padded: .array(FakeArray.padded(tensor))
      case .transposed: .array(FakeArray.transposed(tensor))
      case .of(let type): .array(FakeArray.converted(tensor, type))
      case .flat: .array(FakeArray(tensor, shape: tensor.shape.filter { $0 != 1 }))
      case .fewerNumbers: .array(FakeArray(tensor, shape: [1]))
      case .outOfBounds: .array(FakeArray(tensor, strides: tensor.shape.map { _ in 1000 }))
      case .zeros: .array(FakeArray(Tensor(dtype: tensor.dtype, shape: tensor.shape)))
      default: .array(FakeArray(tensor))
      }
    }
  }
#endif
