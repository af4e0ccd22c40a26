import Testing

@testable import MVMoE

/// How a route and its gates are put into the inputs of a graph.
@Suite struct WritersTests {
  private let gates: [Float] = [0.25, 0.75]

  @Test(arguments: [DispatchStrategy(), BindStrategy()] as [any Strategy])
  func aRoutesGraphTakesTheGatesInTheOrderOfTheRoute(_ strategy: any Strategy) {
    let tensor = filled(.float32, [3, 2])
    write(strategy, ["gates": tensor], position: 1, [1, 3], gates)
    #expect(numbers(tensor) == [nil, nil, 0.25, 0.75, nil, nil])
  }

  @Test func allExpertsWritesEachGateAtItsExpertAnd0Elsewhere() {
    let tensor = filled(.float32, [2, 4])
    write(AllExpertsStrategy(), ["gates": tensor], position: 1, [1, 3], gates)
    #expect(numbers(tensor) == [nil, nil, nil, nil, 0, 0.25, 0, 0.75])
  }

  @Test(arguments: [DType.int64, .int32])
  func gatherWritesExpertsAndGatesAndFillsAShorterRouteUpWithGatesOf0(_ type: DType) {
    let experts = filled(type, [2, 3])
    let tensors = ["gates": filled(.float32, [2, 3]), "experts": experts]
    write(GatherStrategy(), tensors, position: 1, [4, 70_000], gates)
    #expect(tensors["gates"].map(numbers) == [nil, nil, nil, 0.25, 0.75, 0])
    #expect(integers(experts) == [-1, -1, -1, 4, 70_000, 0])
  }

  @Test func expertsWritesGatesAndLeaves0InTheSlotsOfAShorterRoute() {
    let tokens = filled(.float32, [2, 2])
    let half = filled(.float16, [2, 3])
    let slots = [filled(.float32, [2, 2]), filled(.float32, [2, 2]), filled(.float32, [2, 2])]
    let gates = filled(.float32, [2, 3])
    let tensors = [
      "tokens": tokens, "slot0_output": slots[0], "slot1_output": slots[1], "slot1_half": half,
      "slot2_output": slots[2], "gates": gates,
    ]
    write(ExpertsStrategy(), tensors, position: 1, [3], [0.5])
    #expect(numbers(gates) == [nil, nil, nil, 0.5, 0, 0])
    for kept in [tokens, slots[0]] { #expect(numbers(kept) == [nil, nil, nil, nil]) }
    for cleared in slots.dropFirst() { #expect(numbers(cleared) == [nil, nil, 0, 0]) }
    #expect(Array(half.bytes) == Array(repeating: 255, count: 6) + Array(repeating: 0, count: 6))
  }

  @Test func aSlotIs0AfterEachTimeThatAWriterWroteWhateverWasThereMeanwhile() {
    let slot = filled(.float32, [1, 3000])
    let tensors = ["slot1_output": slot, "gates": filled(.float32, [1, 2])]
    let writer = ExpertsStrategy().writer(inputs: tensors, route: [2], position: 0)
    for _ in 0..<2 {
      fill(slot)
      writer.write([1])
      #expect(slot.numbers.allSatisfy { $0 == 0 })
    }
  }

  @Test func aFullRouteClearsNothing() {
    let slots = [filled(.float32, [1, 2]), filled(.float32, [1, 2])]
    let tensors = ["slot0_a": slots[0], "slot1_a": slots[1], "gates": filled(.float32, [1, 2])]
    write(ExpertsStrategy(), tensors, position: 0, [0, 2], gates)
    for slot in slots { #expect(numbers(slot) == [nil, nil]) }
  }

  private func write(
    _ strategy: any Strategy, _ inputs: [String: Tensor], position: Int, _ route: Route, _ gates: [Float]
  ) {
    strategy.writer(inputs: inputs, route: route, position: position).write(gates)
  }

  private func filled(_ type: DType, _ shape: [Int]) -> Tensor {
    let tensor = Tensor(dtype: type, shape: shape)
    fill(tensor)
    return tensor
  }

  /// Bytes of which floats are no numbers.
  private func fill(_ tensor: Tensor) { for place in tensor.bytes.indices { tensor.bytes[place] = 255 } }

  /// The numbers of a tensor; nil for what is none.
  private func numbers(_ tensor: Tensor) -> [Float?] { tensor.numbers.map { $0.isNaN ? nil : $0 } }

  private func integers(_ tensor: Tensor) -> [Int] {
    if tensor.dtype == .int64 { return tensor.bytes.bindMemory(to: Int64.self).map(Int.init) }
    return tensor.bytes.bindMemory(to: Int32.self).map(Int.init)
  }
}
