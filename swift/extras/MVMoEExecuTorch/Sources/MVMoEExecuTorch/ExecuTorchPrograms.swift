import Foundation
import MVMoE

/// What the engine asks of ExecuTorch: what it decides itself lies above this, and runs where there is no ExecuTorch.
protocol ExecuTorchPrograms: Sendable {
  /// Maps a program and loads one of its methods.
  func load(_ file: URL, method: String) throws -> any ExecuTorchMethod
}

/// A method that is loaded. It is used by one thread at a time.
protocol ExecuTorchMethod: AnyObject {
  /// By position; nil for what is no tensor.
  var inputs: [MethodTensor?] { get }

  /// By position; nil for what is no tensor.
  var outputs: [MethodTensor?] { get }

  /// Values over the memory of tensors, by position, which is read anew in each run.
  func values(over tensors: [Tensor]) throws -> any ExecuTorchValues

  /// Runs the method, and shows what it gives: memory of its own, until it runs again.
  func run(_ values: any ExecuTorchValues, _ read: ([GivenTensor?]) throws -> Void) throws
}

/// The inputs of a method as it takes them.
protocol ExecuTorchValues: AnyObject {}

/// The type and shape of an input or output.
struct MethodTensor: Equatable {
  /// By its name in manifests, or any other text for a type that bundles do not have.
  let type: String

  let shape: [Int]
}

/// A tensor that a method has given.
struct GivenTensor {
  let tensor: MethodTensor

  /// As many as its type and shape need.
  let bytes: UnsafeRawBufferPointer
}
