/// The weights of one expert: a range of the target's file `weights`.
public struct ExpertWeights: Sendable {
  /// Where the range begins: a multiple of 16,384.
  public let offset: Int

  /// How long it is; 0 for an expert that computes nothing.
  public let bytes: Int

  /// What is in it, by name.
  public let tensors: [String: StoredTensor]
}
