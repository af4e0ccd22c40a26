/// What an answer's time depends on beside the app.
public struct Conditions: Sendable, Hashable {
  /// Whether the app is not on the screen: iOS lets it use no GPU then.
  public var isInBackground: Bool

  /// Whether the user has turned on Low Power Mode.
  public var isLowPowerMode: Bool

  /// How hot the phone is.
  public var heat: Heat

  /// What the battery has, in percent; nil where the system does not say.
  public var battery: Int?

  /// These conditions.
  public init(
    isInBackground: Bool = false, isLowPowerMode: Bool = false, heat: Heat = .nominal, battery: Int? = nil
  ) {
    self.isInBackground = isInBackground
    self.isLowPowerMode = isLowPowerMode
    self.heat = heat
    self.battery = battery
  }

  /// What to know of them, a sentence each; empty where times are what they can be.
  public var notices: [String] {
    [isLowPowerMode ? AppPhrase.lowPower.text : nil, heat.notice].compactMap { $0 }
  }
}

/// How hot the phone is, as the system says it (`ProcessInfo.ThermalState`).
public enum Heat: String, Sendable, CaseIterable {
  case nominal
  case fair
  case serious
  case critical

  var notice: String? {
    switch self {
    case .nominal: nil
    case .fair: AppPhrase.thermalFair.text
    case .serious: AppPhrase.thermalSerious.text
    case .critical: AppPhrase.thermalCritical.text
    }
  }
}
