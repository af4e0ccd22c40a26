import Charts
import DemoLogic
import SwiftUI

/// Curves over the phone's heat: each with the band from its fastest to its slowest answers.
struct BenchChartView: View {
  let chart: BenchChart

  var body: some View {
    VStack(alignment: .leading, spacing: 2) {
      Chart {
        ForEach(Array(chart.bands.enumerated()), id: \.offset) { band in
          RectangleMark(xStart: .value("", band.element.from), xEnd: .value("", band.element.to))
            .foregroundStyle(Color.red.opacity(0.3 * band.element.level))
        }
        ForEach(chart.series) { series in
          ForEach(Array(series.points.enumerated()), id: \.offset) { point in
            AreaMark(
              x: .value("", point.element.x), yStart: .value("", point.element.low),
              yEnd: .value("", min(point.element.high, chart.height)), series: .value("", series.name)
            )
            .foregroundStyle(ClassColors.color(series.id).opacity(0.2))
            LineMark(
              x: .value("", point.element.x), y: .value("", point.element.middle), series: .value("", series.name)
            )
            .foregroundStyle(ClassColors.color(series.id))
          }
        }
      }
      .chartXScale(domain: 0...max(chart.width, 1e-9))
      .chartYScale(domain: 0...max(chart.height, 1e-9))
      .chartLegend(.hidden)
      .frame(height: 180)
      Text(chart.end).font(.caption).foregroundStyle(Color.secondary)
    }
    .accessibilityElement(children: .ignore)
    .accessibilityLabel(chart.spoken)
  }
}
