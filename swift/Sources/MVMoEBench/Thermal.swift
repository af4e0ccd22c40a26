/// How hot a device is.
public struct Thermal: Sendable, Hashable {
  /// A device's heat in the words of results.
  public enum Status: String, Sendable {
    /// From none to where the device switches itself off, in the words of Android's `PowerManager`.
    case none, light, moderate, severe, critical, emergency, shutdown
  }

  /// How hot it is.
  public let status: Status

  /// How near the device is to severe throttling: at 1 it throttles; nil where the system does not say.
  public let headroom: Double?

  /// A heat.
  public init(_ status: Status, headroom: Double? = nil) {
    self.status = status
    self.headroom = headroom
  }
}
