import Foundation

/// A resampling filter; the raw value is its name in a manifest.
enum Kernel: String, Sendable, CaseIterable {
  case bilinear, bicubic, lanczos

  /// How far it reaches.
  var support: Double {
    switch self {
    case .bilinear: 1
    case .bicubic: 2
    case .lanczos: 3
    }
  }

  /// The weight of a sample at that distance.
  func weight(_ x: Double) -> Double {
    switch self {
    case .bilinear: max(0, 1 - abs(x))
    case .bicubic: Self.cubic(abs(x))
    case .lanczos: x >= -3 && x < 3 ? Self.sinc(x) * Self.sinc(x / 3) : 0
    }
  }

  private static func cubic(_ d: Double) -> Double {
    let a = -0.5
    if d < 1 { return ((a + 2) * d - (a + 3)) * d * d + 1 }
    if d < 2 { return (((d - 5) * d + 8) * d - 4) * a }
    return 0
  }

  private static func sinc(_ x: Double) -> Double {
    if x == 0 { return 1 }
    let angle = x * Double.pi
    return sin(angle) / angle
  }
}
