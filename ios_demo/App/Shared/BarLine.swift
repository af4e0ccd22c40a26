import DemoLogic
import SwiftUI

/// A line with a bar below it; what was chosen has a mark beside its colour, too.
struct BarLine: View {
  let row: BarRow

  var body: some View {
    VStack(alignment: .leading, spacing: 2) {
      HStack {
        Text(row.name).fontWeight(row.isChosen ? .semibold : .regular)
        Spacer()
        Text(row.value).monospacedDigit()
      }
      .font(.subheadline)
      ProgressView(value: min(max(row.share, 0), 1))
        .tint(row.isChosen ? Color.accentColor : Color.secondary)
    }
    .accessibilityElement(children: .ignore)
    .accessibilityLabel(row.spoken)
  }
}
