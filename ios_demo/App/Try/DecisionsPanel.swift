import DemoLogic
import SwiftUI

/// Which expert, and why: each router's scores.
struct DecisionsPanel: View {
  let decisions: [DecisionCard]

  var body: some View {
    Card(TryPhrase.whyTitle.text) {
      ForEach(decisions) { decision in
        Text(decision.rule).font(.subheadline)
        ForEach(decision.experts) { BarLine(row: $0) }
        if let more = decision.more { Text(more).font(.footnote).foregroundStyle(Color.secondary) }
      }
    }
  }
}
