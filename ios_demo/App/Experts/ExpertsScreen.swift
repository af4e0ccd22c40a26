import DemoLogic
import SwiftUI

/// Which experts are in memory, what each costs, and the controls, which act at once.
struct ExpertsScreen: View {
  let store: ModelStore

  var body: some View {
    ScrollView {
      VStack(alignment: .leading, spacing: 16) {
        ModelPanel(store: store)
        if let experts = store.model?.experts {
          ExpertsCards(experts: experts)
        } else {
          Text(ExpertsPhrase.noModelYet.text).foregroundStyle(Color.secondary)
        }
      }
      .padding(16)
    }
  }
}

/// What is in the memory of one open bundle.
private struct ExpertsCards: View {
  let experts: ExpertsModel

  var body: some View {
    Card {
      Text(experts.summary).font(.headline)
      Text(experts.explanation).font(.footnote).foregroundStyle(Color.secondary)
      if !experts.blocks.isEmpty { ExpertsMap(blocks: experts.blocks, spoken: experts.mapSpoken) }
      if let message = experts.message { Sentence(text: message, kind: .notice) }
    }
    if experts.hasControls { LimitSliders(experts: experts) }
    if !experts.lines.isEmpty { ExpertLines(experts: experts) }
    if experts.hasControls {
      Card(ExpertsPhrase.expertsLog.text) {
        ForEach(Array(experts.logLines.enumerated()), id: \.offset) {
          Text($0.element).font(.footnote).monospacedDigit()
        }
      }
    }
  }
}
