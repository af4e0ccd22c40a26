/// The golden vectors: inputs with the answers that PyTorch gives.
public struct GoldenSpec: Sendable {
  /// How many inputs there are.
  public let images: Int

  /// The safetensors file with them.
  public let file: FileRecord
}
