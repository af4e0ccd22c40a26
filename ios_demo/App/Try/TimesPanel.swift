import DemoLogic
import SwiftUI

/// Where the time went: one bar of parts, and their numbers, which add up to the whole.
struct TimesPanel: View {
  let card: TimesCard

  var body: some View {
    Card(TryPhrase.timeTitle.text) {
      Text(card.total).font(.title3).monospacedDigit()
      GeometryReader { space in
        HStack(spacing: 1) {
          ForEach(card.parts) { part in
            Rectangle()
              .fill(part.work.color)
              .frame(width: max(0, (space.size.width - 5) * CGFloat(part.share)))
          }
        }
      }
      .frame(height: 12)
      ForEach(card.parts) { part in
        HStack {
          RoundedRectangle(cornerRadius: 2).fill(part.work.color).frame(width: 10, height: 10)
          Text(part.name)
          Spacer()
          Text(part.time).monospacedDigit()
        }
        .font(.subheadline)
      }
    }
    .accessibilityElement(children: .ignore)
    .accessibilityLabel(card.spoken)
  }
}

extension Work {
  /// The colour of its part of a bar.
  var color: Color {
    switch self {
    case .preprocess: .teal
    case .stem: .blue
    case .select: .purple
    case .load: .orange
    case .expert: .green
    case .rest: .gray
    }
  }
}
