/// How a phone is, beside what is measured on it: what makes times longer than they could be.
public struct DeviceConditions: Sendable, Hashable {
  /// How hot it is; nil where the system does not say.
  public let thermal: Thermal?

  /// What its battery has, in percent; nil where the system does not say.
  public let batteryLevel: Int?

  /// Whether it saves power, at the cost of speed; nil where the system does not say.
  public let isLowPowerMode: Bool?

  /// Conditions.
  public init(thermal: Thermal? = nil, batteryLevel: Int? = nil, isLowPowerMode: Bool? = nil) {
    self.thermal = thermal
    self.batteryLevel = batteryLevel
    self.isLowPowerMode = isLowPowerMode
  }

  var plain: PlainData {
    [
      "thermal_status": .optional(thermal?.status.rawValue), "battery_level": .optional(batteryLevel),
      "low_power": .optional(isLowPowerMode, PlainData.boolean),
    ]
  }
}
