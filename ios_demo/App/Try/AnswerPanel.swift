import Accessibility
import DemoLogic
import SwiftUI

/// The class in large letters; VoiceOver says it when it changes.
struct AnswerPanel: View {
  let card: AnswerCard

  var body: some View {
    VStack(alignment: .leading, spacing: 2) {
      HStack(alignment: .firstTextBaseline) {
        Text(card.label).font(.largeTitle.bold())
        Spacer()
        if let probability = card.probability { Text(probability).font(.title2).monospacedDigit() }
      }
      if let more = card.more { Text(more).font(.subheadline).foregroundStyle(Color.secondary) }
    }
    .accessibilityElement(children: .combine)
    .onChange(of: card.label) { _, _ in
      if let spoken = card.spoken { AccessibilityNotification.Announcement(spoken).post() }
    }
  }
}
