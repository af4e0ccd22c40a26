import SwiftUI

/// https://developer.apple.com/documentation/charts/plottable
public protocol Plottable: Sendable {}

extension Double: Plottable {}

extension String: Plottable {}

/// https://developer.apple.com/documentation/charts/plottablevalue
public struct PlottableValue<Value: Plottable> {
  /// https://developer.apple.com/documentation/charts/plottablevalue/value(_:_:)
  public static func value<S: StringProtocol>(_ label: S, _ value: Value) -> PlottableValue<Value> {
    fatalError("a stub")
  }
}

/// https://developer.apple.com/documentation/charts/chartcontent
@MainActor @preconcurrency
public protocol ChartContent {}

extension ChartContent {
  /// https://developer.apple.com/documentation/charts/chartcontent/foregroundstyle(_:)
  public func foregroundStyle<S: ShapeStyle>(_ style: S) -> some ChartContent { self }
}

/// What stands for several contents.
public struct TupleChartContent<Content>: ChartContent {}

/// https://developer.apple.com/documentation/charts/chartcontentbuilder
@resultBuilder
public struct ChartContentBuilder {
  public static func buildBlock<Content: ChartContent>(_ content: Content) -> Content { content }

  public static func buildBlock<each Content: ChartContent>(
    _ content: repeat each Content
  ) -> TupleChartContent<(repeat each Content)> { fatalError("a stub") }
}

extension ForEach: ChartContent where Content: ChartContent {}

extension ForEach where Content: ChartContent {
  /// https://developer.apple.com/documentation/swiftui/foreach/init(_:id:content:)
  public init(
    _ data: Data, id: KeyPath<Data.Element, ID>, @ChartContentBuilder content: @escaping (Data.Element) -> Content
  ) { fatalError("a stub") }
}

extension ForEach where Content: ChartContent, ID == Data.Element.ID, Data.Element: Identifiable {
  /// https://developer.apple.com/documentation/swiftui/foreach/init(_:content:)
  public init(_ data: Data, @ChartContentBuilder content: @escaping (Data.Element) -> Content) { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/charts/linemark
public struct LineMark: ChartContent {
  /// https://developer.apple.com/documentation/charts/linemark/init(x:y:series:)
  public nonisolated init<X: Plottable, Y: Plottable, S: Plottable>(
    x: PlottableValue<X>, y: PlottableValue<Y>, series: PlottableValue<S>
  ) { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/charts/areamark
public struct AreaMark: ChartContent {
  /// https://developer.apple.com/documentation/charts/areamark/init(x:ystart:yend:series:)
  public nonisolated init<X: Plottable, Y: Plottable, S: Plottable>(
    x: PlottableValue<X>, yStart: PlottableValue<Y>, yEnd: PlottableValue<Y>, series: PlottableValue<S>
  ) { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/charts/rectanglemark
public struct RectangleMark: ChartContent {
  /// https://developer.apple.com/documentation/charts/rectanglemark/init(xstart:xend:ystart:yend:)
  public nonisolated init<X: Plottable>(xStart: PlottableValue<X>, xEnd: PlottableValue<X>) { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/charts/chart
public struct Chart<Content: ChartContent>: View {
  /// https://developer.apple.com/documentation/charts/chart/init(content:)
  public init(@ChartContentBuilder content: () -> Content) { fatalError("a stub") }

  public var body: Never { return fatalError("a stub") }
}

extension View {
  /// https://developer.apple.com/documentation/swiftui/view/chartxscale(domain:type:)
  public nonisolated func chartXScale(domain: ClosedRange<Double>) -> some View { SystemView() }

  /// https://developer.apple.com/documentation/swiftui/view/chartyscale(domain:type:)
  public nonisolated func chartYScale(domain: ClosedRange<Double>) -> some View { SystemView() }

  /// https://developer.apple.com/documentation/swiftui/view/chartlegend(_:)
  public nonisolated func chartLegend(_ visibility: Visibility) -> some View { SystemView() }
}
