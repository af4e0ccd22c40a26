import DemoLogic
import SwiftUI

/// Measures the open bundle on this phone: what to measure, the run, its charts, and the file to share.
struct BenchScreen: View {
  @Bindable var bench: BenchModel
  let store: ModelStore

  var body: some View {
    ScrollView {
      VStack(alignment: .leading, spacing: 16) {
        ModelPanel(store: store)
        BenchChoices(bench: bench)
        BenchRunPanel(bench: bench)
        if let latency = bench.latency {
          Card(BenchPhrase.benchLatency.text) {
            Text(BenchPhrase.benchLatencyMeans.text).font(.footnote).foregroundStyle(Color.secondary)
            BenchChartView(chart: latency)
            BenchFigures(rows: bench.figureRows)
          }
        }
        ForEach(bench.sustainedCards) { card in
          Card(card.title) {
            BenchChartView(chart: card.chart)
            Text(card.figures).font(.footnote)
          }
        }
      }
      .padding(16)
    }
  }
}
