import Foundation
import Testing

@testable import MVMoE

@Suite struct EngineErrorsTests {
  private let errors = EngineErrors(engine: "Engine 1.0")
  private let graph = Graph(
    name: "step1_e0", stage: 1, route: nil, file: "onnx/step1_e0.onnx", entry: nil, weightBytes: 0, exclusiveBytes: 0,
    inputs: [
      TensorSpec(name: "tokens", shape: [1, 5, 8], dtype: .float32, pixels: nil),
      TensorSpec(name: "gates", shape: [1, 2], dtype: .float16, pixels: nil),
    ],
    outputs: [TensorSpec(name: "answer", shape: [1, 10], dtype: .float32, pixels: nil)], bound: [:], placement: [])
  private let found = [
    Signature(name: "tokens", shape: [1, 5, 8], dtype: "float32"),
    Signature(name: "gates", shape: [1, 2], dtype: "float16"),
  ]
  private let given = [Signature(name: "answer", shape: [1, 10], dtype: "float32")]

  @Test func aGraphThatDoesNotLoadIsNamedWithWhatTheEngineSaysInOneLine() {
    let error = errors.load(graph, "\n  no such operator: Foo\n at line 3")
    #expect(error.code == .engineLoadFailed)
    #expect(
      error.message == "graph step1_e0 (onnx/step1_e0.onnx) does not load in Engine 1.0: no such operator: Foo")
    #expect(error.fields == ["graph": "step1_e0"])
    #expect(error.isEngineFailure)
    let cause = error.cause
    #expect(cause.map { "\($0)" } == "\n  no such operator: Foo\n at line 3")
  }

  @Test func aGraphThatDoesNotRunIsNamedAndSoIsAnErrorWithoutAWord() {
    let error = errors.run(graph, Silent())
    #expect(error.code == .engineRunFailed)
    #expect(error.message == "graph step1_e0 failed in Engine 1.0: Silent")
    #expect(errors.run(graph, Plain.broken).message == "graph step1_e0 failed in Engine 1.0: broken")
  }

  @Test func whatFoundationSaysOfAnErrorStandsInTheSentence() {
    let foundation = NSError(
      domain: "engine", code: 7, userInfo: [NSLocalizedDescriptionKey: "the device is gone\nat 3"])
    #expect(errors.run(graph, foundation).message == "graph step1_e0 failed in Engine 1.0: the device is gone")
    #expect(
      errors.start(MVMoEError(.engineOption, "no such unit")).message == "Engine 1.0 does not start: no such unit")
  }

  @Test(arguments: [
    ("std::bad_alloc", ErrorCode.limitMemory),
    ("Failed to allocate memory for requested buffer of size 4194304", .limitMemory),
    ("mmap failed: Cannot allocate memory", .limitMemory),
    ("error 33: MemoryAllocationFailed", .limitMemory),
    ("system error number 12: no room", .limitMemory),
    ("open file weights.bin fail: Too many open files", .limitFiles),
    ("system error number 24", .limitFiles),
    ("pthread_create failed", .limitThreads),
  ])
  func aLimitHasItsOwnCode(_ text: String, _ code: ErrorCode) {
    let nested = MVMoEError(.engineFailed, "it failed", cause: MVMoEError(.engineFailed, text))
    for error in [errors.load(graph, text), errors.run(graph, nested), errors.start(text)] {
      #expect(error.code == code)
      #expect(error.message.hasSuffix(")") || error.message.hasSuffix("give the process more"))
      #expect(error.fields.isEmpty)
    }
  }

  @Test func anotherNumberIsNoLimit() {
    for text in ["system error number 245", "system error number 2", "system error number 12b", "file 24"] {
      #expect(errors.run(graph, text).code == .engineRunFailed)
    }
  }

  @Test func aLimitOfTheSystemGoesByItsNumber() {
    for (number, limit) in [(EMFILE, Limit.files), (ENFILE, .files), (ENOMEM, .memory)] {
      #expect(Limit.of(FileError(number: number)) == limit)
    }
    #expect(Limit.of(FileError(number: EIO)) == nil)
  }

  @Test func whatCausedAnErrorOfFoundationMayBeALimit() {
    let inner = NSError(domain: "inner", code: 1, userInfo: [NSLocalizedDescriptionKey: "out of memory"])
    let outer = NSError(domain: "outer", code: 2, userInfo: [NSUnderlyingErrorKey: inner])
    #expect(errors.load(graph, outer).code == .limitMemory)
  }

  @Test func aLongChainOfCausesEnds() {
    var error = MVMoEError(.engineFailed, "first")
    for _ in 0..<1000 { error = MVMoEError(.engineFailed, "next", cause: error) }
    #expect(errors.run(graph, error).code == .engineRunFailed)
    #expect(chain(error).count == 20)
  }

  @Test func anEngineThatDoesNotStartHasNoGraphToName() {
    let error = errors.start("no such option")
    #expect(error.code == .engineFailed)
    #expect(error.message == "Engine 1.0 does not start: no such option")
    #expect(error.fields.isEmpty)
  }

  @Test func aMissingLibraryIsOneSentenceWithTheMachineTheReasonAndWhatToDo() {
    let cause = MVMoEError(.engineFailed, "it was not loaded", cause: MVMoEError(.engineFailed, "libfoo.so not found"))
    let error = errors.missingLibrary(cause, advice: "add foo to the application")
    #expect(error.code == .engineUnsupportedPlatform)
    let reason = "on \(platform()) (libfoo.so not found)"
    #expect(
      error.message == "Engine 1.0 has no native library that runs here, \(reason); add foo to the application")
    #expect(errors.missingLibrary("libfoo.so not found", advice: "add foo to the application").message == error.message)
    #expect(platform().contains(" "))
  }

  @Test func theOrderOfInputsMeansNothing() throws {
    try errors.requireSignature(graph, inputs: found, outputs: given)
    try errors.requireSignature(graph, inputs: found.reversed(), outputs: given)
  }

  @Test func aGraphWithOtherTensorsIsRefusedWithBothInWords() {
    let others: [[Signature]] = [
      Array(found.dropFirst()),
      found + [Signature(name: "more", shape: [1], dtype: "float32")],
      found.map { Signature(name: $0.name, shape: $0.shape.map { -$0 }, dtype: $0.dtype) },
      found.map { Signature(name: $0.name, shape: $0.shape, dtype: "float64") },
      found.map { Signature(name: "other_\($0.name)", shape: $0.shape, dtype: $0.dtype) },
      [found[0], found[0]],
    ]
    let declared = "but the manifest says [tokens float32 [1, 5, 8], gates float16 [1, 2]]"
    for inputs in others {
      let error = refusal { try errors.requireSignature(graph, inputs: inputs, outputs: given) }
      #expect(error?.code == .engineWrongSignature)
      #expect(error?.message.contains("the inputs \(inputs), \(declared)") == true)
    }
    let error = refusal { try errors.requireSignature(graph, inputs: found, outputs: found) }
    #expect(error?.message.contains("has the outputs [tokens") == true)
  }

  @Test func tensorsThatAreTheManifestsAreBoundAndNoOthers() throws {
    let inputs = Dictionary(
      uniqueKeysWithValues: graph.inputs.map { ($0.name, Tensor(dtype: $0.dtype, shape: $0.shape)) })
    let outputs = ["answer": Tensor(dtype: .float32, shape: [1, 10])]
    try errors.requireTensors(graph, inputs: inputs, outputs: outputs)
    let whole = Tensor(dtype: .float16, shape: [1, 2])
    let others = [
      nil,
      Tensor(dtype: .float32, shape: [1, 2]),
      Tensor(dtype: .float16, shape: [2, 1]),
      Tensor(dtype: .float16, shape: [1, 2], bytes: .init(rebasing: whole.bytes[..<2]), owner: whole),
    ]
    for other in others {
      var changed = inputs
      changed["gates"] = other
      let error = refusal { try errors.requireTensors(graph, inputs: changed, outputs: outputs) }
      #expect(error?.code == .inputShape)
      #expect(error?.message.contains("tensor gates of graph step1_e0") == true)
      #expect(error?.fields["expected"] == [1, 2])
    }
    #expect(
      refusal { try errors.requireTensors(graph, inputs: inputs, outputs: [:]) }?.fields["found"] == nil as ErrorValue)
  }
}

/// An error that says nothing.
private struct Silent: Error, CustomStringConvertible {
  let description = " \n "
}

/// An error of which only its name is known.
private enum Plain: Error {
  case broken
}
