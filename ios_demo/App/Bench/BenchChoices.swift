import DemoLogic
import SwiftUI

/// What is measured, on which compute units, and for how long.
struct BenchChoices: View {
  @Bindable var bench: BenchModel

  var body: some View {
    Card(BenchPhrase.benchWhat.text) {
      ForEach(bench.optionRows) { row in
        if let target = row.target { Text(target).font(.subheadline.bold()) }
        Toggle(isOn: isTicked(row)) {
          VStack(alignment: .leading, spacing: 2) {
            Text(row.name)
            if let missing = row.missing { Text(missing).font(.footnote).foregroundStyle(Color.secondary) }
          }
        }
        .disabled(!row.isEnabled)
        .accessibilityLabel(row.spoken)
      }
      Picker(BenchPhrase.benchLength.text, selection: $bench.length) {
        ForEach(BenchLength.allCases, id: \.self) { Text($0.title).tag($0) }
      }
      .pickerStyle(.segmented)
      Text(bench.lengthMeans).font(.footnote).foregroundStyle(Color.secondary)
    }
  }

  private func isTicked(_ row: BenchOptionRow) -> Binding<Bool> {
    Binding(get: { row.isTicked }, set: { @MainActor in bench.tick(row.option, $0) })
  }
}
