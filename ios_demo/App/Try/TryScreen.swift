import DemoLogic
import SwiftUI

/// Draw, pick or point: the answer, which expert gave it and why, and where the time went.
struct TryScreen: View {
  let trying: TryModel
  let store: ModelStore
  @SceneStorage("try") private var saved = ""

  var body: some View {
    ScrollView {
      VStack(alignment: .leading, spacing: 16) {
        ModelPanel(store: store)
        ImagePanel(trying: trying)
        AnswerPanel(card: trying.answer)
        cards
      }
      .padding(16)
    }
    .onAppear { trying.appear() }
    .onDisappear { trying.disappear() }
    .task { trying.restore(saved) { _, mostPixels in try await KeptPhoto.pixels(atMost: mostPixels) } }
    .onChange(of: trying.saved) { _, now in saved = now }
  }

  @ViewBuilder private var cards: some View {
    if !trying.decisions.isEmpty { DecisionsPanel(decisions: trying.decisions) }
    if let times = trying.times { TimesPanel(card: times) }
    if let comparison = trying.comparison { ComparisonPanel(card: comparison) }
    if !trying.outputLines.isEmpty { OutputsPanel(lines: trying.outputLines) }
  }
}
