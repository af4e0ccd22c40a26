import DemoLogic
import SwiftUI

/// What each expert costs, where it is, and the switch that keeps it there.
struct ExpertLines: View {
  let experts: ExpertsModel

  var body: some View {
    Card {
      ForEach(experts.lines) { line in
        Toggle(isOn: isPinned(line)) {
          VStack(alignment: .leading, spacing: 2) {
            Text(line.name).font(.headline)
            Text(line.cost).font(.footnote)
            Text(line.state).font(.footnote).foregroundStyle(Color.secondary)
          }
        }
        .accessibilityHint(line.pinSpoken)
      }
    }
  }

  private func isPinned(_ line: ExpertLine) -> Binding<Bool> {
    Binding(get: { line.isPinned }, set: { @MainActor in experts.pin(line.expert, $0) })
  }
}
