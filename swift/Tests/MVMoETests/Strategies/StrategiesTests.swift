import Testing

@testable import MVMoE

/// Which graphs a stage has, and what they take: docs/bundle.md, *Tensors of the graphs*.
@Suite struct StrategiesTests {
  private let topTwo: TopK
  private let upToTwo: TopP
  private let topOne: TopK
  private let all: [any Strategy]

  init() throws {
    topTwo = try TopK(experts: 4, k: 2)
    upToTwo = try TopP(experts: 4, p: 0.5, kMax: 2)
    topOne = try TopK(experts: 4)
    all = Strategies.names.compactMap(Strategies.find)
  }

  @Test func strategiesAreFoundByTheirNamesInAManifest() {
    #expect(Strategies.names == ["all-experts", "bind", "dispatch", "experts", "gather"])
    #expect(all.map(\.name) == Strategies.names)
    #expect(Strategies.find("Dispatch") == nil)
  }

  @Test func whatEachOneIs() {
    #expect(all.filter(\.separatesExperts).map(\.name) == ["bind", "dispatch", "experts"])
    #expect(all.filter(\.bindsWeights).map(\.name) == ["bind"])
    #expect(all.filter(\.routesInGraph).map(\.name) == ["all-experts", "gather"])
    #expect(all.filter { $0.slots(topTwo) > 0 }.map(\.name) == ["experts"])
  }

  @Test func theGraphsOfAStage() {
    #expect(Array(DispatchStrategy().graphs(topTwo)) == Array(topTwo.routes()))
    #expect(Array(BindStrategy().graphs(upToTwo)) == [[0], [0, 1]])
    #expect(Array(ExpertsStrategy().graphs(topTwo)) == [[0], [1], [2], [3], nil])
    #expect(Array(GatherStrategy().graphs(topTwo)) == [nil])
    #expect(Array(AllExpertsStrategy().graphs(topTwo)) == [nil])
  }

  @Test func theGraphsOfAStageThatKeepsSomeExperts() throws {
    let some = try TopK(experts: 4, k: 2, kept: [0, 1, 3])
    #expect(Array(DispatchStrategy().graphs(some)) == [[0, 1], [0, 3], [1, 3]])
    #expect(Array(ExpertsStrategy().graphs(some)) == [[0], [1], [3], nil])
    #expect(Array(BindStrategy().graphs(some)) == [[0, 1]])
    #expect(BindStrategy().example(of: [0, 1], rule: some, finishes: [[0, 1]]) == [0, 3])
    let named = try Given(experts: 4, named: ["a": [2]], otherwise: TopK(experts: 4, kept: [1]))
    #expect(Array(ExpertsStrategy().graphs(named)) == [[1], [2], nil])
    #expect(try Given(experts: 4, named: ["a": [3], "b": [0]]).usable == [0, 3])
  }

  @Test func graphsOfMoreRoutesThanMemoryHoldsAreListedLazily() throws {
    let rule = try Threshold(experts: 4096, thresholds: Array(repeating: 0, count: 4096))
    #expect(Array(DispatchStrategy().graphs(rule).prefix(1)) == [[0]])
    #expect(DispatchStrategy().isNeeded(Route.first(4096), rule: rule, finishes: []))
    #expect(BindStrategy().example(of: Route.first(4095), rule: rule, finishes: []) == Route.first(4095))
  }

  @Test func theGraphsThatServeARouteInTheOrderInWhichTheyRun() {
    let route: Route = [1, 3]
    #expect(DispatchStrategy().serving(route) == [route])
    #expect(BindStrategy().serving(route) == [[0, 1]])
    #expect(ExpertsStrategy().serving(route) == [[1], [3], nil])
    #expect(GatherStrategy().serving(route) == [nil])
    #expect(AllExpertsStrategy().serving(route) == [nil])
  }

  @Test func eachGraphThatServesARouteIsOneOfTheStagesAndTheLastGivesWhatTheStageGives() throws {
    for strategy in all {
      for rule in [topTwo, upToTwo] as [any Rule] {
        let graphs = Set(strategy.graphs(rule))
        for route in rule.routes() {
          let serving = strategy.serving(route)
          #expect(graphs.isSuperset(of: serving), "\(strategy.name) \(route)")
          let last = try #require(serving.last)
          #expect(!strategy.isJoined(last, rule: rule))
          #expect(serving.dropLast().contains { strategy.isJoined($0, rule: rule) } == (strategy.slots(rule) > 0))
        }
      }
    }
  }

  @Test func aGraphThatOnlyRoutesWhichFinishImagesWouldRunIsNotNeeded() {
    let finishes: Set<Route> = [[0], [1], [2], [3]]
    #expect(!DispatchStrategy().isNeeded([2], rule: upToTwo, finishes: finishes))
    #expect(DispatchStrategy().isNeeded([0, 1], rule: upToTwo, finishes: finishes))
    #expect(!BindStrategy().isNeeded([0], rule: upToTwo, finishes: finishes))
    #expect(BindStrategy().isNeeded([0], rule: upToTwo, finishes: [[1], [2], [3]]))
    #expect(BindStrategy().isNeeded([0, 1], rule: upToTwo, finishes: finishes))
    // An expert that a longer route may have is computed.
    #expect(ExpertsStrategy().isNeeded([2], rule: upToTwo, finishes: finishes))
    #expect(!ExpertsStrategy().isNeeded([2], rule: topOne, finishes: [[2], [3]]))
    #expect(ExpertsStrategy().isNeeded(nil, rule: topOne, finishes: [[2], [3]]))
    #expect(GatherStrategy().isNeeded(nil, rule: topOne, finishes: [[2], [3]]))
  }

  @Test func anExampleIsTheFirstRouteThatAGraphServesAndThatRuns() throws {
    #expect(BindStrategy().example(of: [0, 1], rule: topTwo, finishes: [[0, 1]]) == [0, 2])
    #expect(BindStrategy().example(of: [0], rule: try TopK(experts: 2), finishes: [[0], [1]]) == nil)
    #expect(DispatchStrategy().example(of: [1, 2], rule: topTwo, finishes: []) == [1, 2])
    #expect(ExpertsStrategy().example(of: [3], rule: topTwo, finishes: []) == [0, 3])
    let given = try Given(experts: 4, named: ["a": [1]])
    #expect(GatherStrategy().example(of: nil, rule: given, finishes: []) == [1])
  }

  @Test func whatGraphsTakeBesideTensorsSlotsAndWeights() {
    #expect(shapes(DispatchStrategy(), [1, 3]) == ["gates": [3, 2]])
    #expect(shapes(BindStrategy(), [0]) == ["gates": [3, 1]])
    #expect(shapes(ExpertsStrategy(), [1]) == [:])
    #expect(shapes(ExpertsStrategy(), nil) == ["gates": [3, 2]])
    #expect(shapes(AllExpertsStrategy(), nil) == ["gates": [3, 4]])
    #expect(shapes(GatherStrategy(), nil) == ["gates": [3, 2], "experts": [3, 2]])
    let inputs = GatherStrategy().inputs(of: nil, rule: upToTwo, batch: 1)
    #expect(inputs.map(\.key) == ["gates", "experts"])
    #expect(inputs.map(\.value.dtypes) == [[.float32], [.int64, .int32]])
  }

  @Test func slotsAreNamedByTheirPlace() {
    #expect(slotInput(1, output: "output") == "slot1_output")
    #expect(slotOf("slot1_output") == 1)
    #expect(slotOf("slot12_a.b") == 12)
    #expect(slotOf("slot007_\n") == 7)
    #expect(slotOf("slot99999999999999999999_x") == .max)
    for other in ["slot1", "slot1_", "slot_output", "xslot1_output", "gates", "slot+1_x", "slot-1_x", "slot١_x", ""] {
      #expect(slotOf(other) == nil, "\(other)")
    }
  }

  private func shapes(_ strategy: any Strategy, _ graph: Route?) -> [String: [Int]] {
    let inputs = strategy.inputs(of: graph, rule: upToTwo, batch: 3)
    return Dictionary(inputs.map { ($0.key, $0.value.shape) }) { first, _ in first }
  }
}
