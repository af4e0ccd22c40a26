#if canImport(CoreML)
  import CoreML
  import Foundation

  /// What Core ML would run where, function by function; none where the model is no ML Program.
  @available(iOS 17.4, macOS 14.4, *)
  func plannedOperations(
    _ compiled: URL, _ configuration: MLModelConfiguration
  ) async throws -> [String: [PlannedOperation]] {
    let plan = try await MLComputePlan.load(contentsOf: compiled, configuration: configuration)
    guard case .program(let program) = plan.modelStructure else { return [:] }
    return program.functions.mapValues { operations(of: $0.block, plan) }
  }

  @available(iOS 17.4, macOS 14.4, *)
  private func operations(of block: MLModelStructure.Program.Block, _ plan: MLComputePlan) -> [PlannedOperation] {
    block.operations.map { operation in
      PlannedOperation(
        name: operation.operatorName, unit: plan.deviceUsage(for: operation).map { unit($0.preferred) },
        cost: plan.estimatedCost(of: operation)?.weight, inner: operation.blocks.flatMap { operations(of: $0, plan) })
    }
  }

  @available(iOS 17.4, macOS 14.4, *)
  private func unit(_ device: MLComputeDevice) -> String {
    switch device {
    case .cpu: PlannedOperation.cpu
    case .gpu: PlannedOperation.gpu
    case .neuralEngine: PlannedOperation.neuralEngine
    @unknown default: "another unit"
    }
  }
#endif
