import SwiftUI

/// A colour for each class; after the last one they begin again, and names stand beside them.
enum ClassColors {
  private static let all: [Color] = [.blue, .orange, .green, .pink, .purple, .teal, .yellow, .brown, .indigo, .mint]

  static func color(_ index: Int) -> Color { all[abs(index % all.count)] }
}
