import DemoLogic
import SwiftUI

/// The run's buttons, how far it is, how hot the phone is, and the results to share.
struct BenchRunPanel: View {
  let bench: BenchModel

  var body: some View {
    let card = bench.runCard
    Card(BenchPhrase.benchRun.text) {
      HStack {
        Button(BenchPhrase.benchStart.text) { bench.start() }
          .buttonStyle(.borderedProminent)
          .disabled(!bench.canStart)
        if card.isRunning { Button(BenchPhrase.benchCancel.text) { bench.cancel() }.buttonStyle(.bordered) }
        Spacer()
        if bench.canShare, let file = bench.snapshot.file { ShareLink(BenchPhrase.benchShare.text, item: file) }
      }
      if let state = card.state { Text(state).font(.subheadline) }
      if card.isRunning { progress(card) }
      Text(card.heat).font(.footnote).foregroundStyle(Color.secondary)
      if let warning = card.warning { Sentence(text: warning, kind: .notice) }
      if card.isRunning { Sentence(text: BenchPhrase.benchStay.text, kind: .notice) }
    }
  }

  @ViewBuilder
  private func progress(_ card: BenchRunCard) -> some View {
    if let progress = card.progress { ProgressView(value: progress) } else { ProgressView() }
  }
}
