import MVMoE
import Testing

@testable import MVMoEONNX

/// Lines as ONNX Runtime writes them: blanks before colons, arguments in any order.
@Suite struct ProfileTests {
  private static func node(_ name: String, _ arguments: String) -> String {
    #"{"cat" : "Node","pid" :7,"tid" :7,"dur" :12,"ts" :16,"ph" : "X","name" :"\#(name)","args" : {\#(arguments)}},"#
  }

  private let lines = [
    "[",
    #"{"cat" : "Session","pid" :7,"tid" :7,"dur" :9,"ts" :1,"ph" : "X","name" :"model_run","args" : {}},"#,
    node("coreml_1_kernel_time", #""op_name" : "CoreML_1","provider" : "CoreMLExecutionProvider""#),
    node("gelu_fence_before", #""op_name" : "Gelu""#),
    node("gelu_kernel_time", #""provider" : "CPUExecutionProvider","op_name" : "Gelu""#),
    node("gelu_2_kernel_time", #""op_name" : "Gelu","provider" : "CPUExecutionProvider","shape" : [{"float":[1,5]}]"#),
    node("coreml_2_kernel_time", #""op_name" : "CoreML_2","provider" : "CoreMLExecutionProvider""#),
    node("erf_kernel_time", #""op_name" : "Erf","provider" : "CPUExecutionProvider""#),
    node("unnamed_kernel_time", #""provider" : "CPUExecutionProvider""#),
    "]",
  ]

  @Test func piecesOfAnAcceleratorAreCountedBesideWhatFellBack() {
    let placement = Profile.placement(lines.joined(separator: "\n"), preferred: "CoreML")
    #expect(placement.byUnit == ["CoreML": 2, "CPU": 4])
    #expect(placement.outside == ["Gelu": 2, "Erf": 1, "unknown": 1])
  }

  @Test func nothingIsOutsideWhereTheCPUWasAskedFor() {
    let ownLines = lines.filter { !$0.contains("CoreML") }
    let placement = Profile.placement(ownLines.joined(separator: "\n"), preferred: "CPU")
    #expect(placement.byUnit == ["CPU": 4])
    #expect(placement.outside.isEmpty)
  }
}
