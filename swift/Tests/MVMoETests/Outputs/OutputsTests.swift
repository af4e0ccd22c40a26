import Testing

@testable import MVMoE

@Suite struct OutputsTests {
  private let outputs: Outputs

  init() throws {
    outputs = Outputs(
      ["z", "a"].map { name in
        TensorOutput(
          spec: OutputSpec(name: name, kind: "tensor", tensors: ["step1.\(name)"], labels: nil), shape: [1], values: [0]
        )
      })
  }

  @Test func theyAreInTheOrderInWhichTheModelDeclaresThem() {
    #expect(outputs.map(\.name) == ["z", "a"])
    #expect(outputs.names == ["z", "a"])
    #expect(outputs.count == 2)
  }

  @Test func anAppAsksForOneByItsNameAndKind() throws {
    #expect(outputs["a"]?.name == "a")
    #expect(outputs["a"] is TensorOutput)
    #expect(outputs["b"] == nil)
  }
}
