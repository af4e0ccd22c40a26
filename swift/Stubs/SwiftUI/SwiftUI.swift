@_exported import CoreGraphics
@_exported import Foundation
@_exported import Observation
import UniformTypeIdentifiers

/// https://developer.apple.com/documentation/swiftui/view
@MainActor @preconcurrency
public protocol View {
  /// https://developer.apple.com/documentation/swiftui/view/body-swift.associatedtype
  associatedtype Body: View

  /// https://developer.apple.com/documentation/swiftui/view/body-swift.property
  @ViewBuilder var body: Body { get }
}

extension Never: View {
  public var body: Never { return fatalError("a stub") }
}

/// What stands for views of the system, which have no body of ours.
public struct SystemView: View {
  public nonisolated init() {}

  public var body: Never { return fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/viewbuilder
@resultBuilder
public struct ViewBuilder {
  /// https://developer.apple.com/documentation/swiftui/viewbuilder/buildblock()
  public static func buildBlock() -> EmptyView { fatalError("a stub") }

  /// https://developer.apple.com/documentation/swiftui/viewbuilder/buildexpression(_:)
  public static func buildExpression<Content: View>(_ content: Content) -> Content { content }

  /// https://developer.apple.com/documentation/swiftui/viewbuilder/buildblock(_:)
  public static func buildBlock<Content: View>(_ content: Content) -> Content { content }

  /// https://developer.apple.com/documentation/swiftui/viewbuilder/buildblock(_:)
  public static func buildBlock<each Content: View>(_ content: repeat each Content) -> TupleView<(repeat each Content)>
  {
    fatalError("a stub")
  }

  /// https://developer.apple.com/documentation/swiftui/viewbuilder/buildif(_:)
  public static func buildIf<Content: View>(_ content: Content?) -> Content? { content }

  /// https://developer.apple.com/documentation/swiftui/viewbuilder/buildeither(first:)
  public static func buildEither<First: View, Second: View>(first: First) -> ConditionalView<First, Second> {
    fatalError("a stub")
  }

  /// https://developer.apple.com/documentation/swiftui/viewbuilder/buildeither(second:)
  public static func buildEither<First: View, Second: View>(second: Second) -> ConditionalView<First, Second> {
    fatalError("a stub")
  }
}

/// https://developer.apple.com/documentation/swiftui/emptyview
public struct EmptyView: View {
  /// https://developer.apple.com/documentation/swiftui/emptyview/init()
  public init() { fatalError("a stub") }

  public var body: Never { return fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/tupleview
public struct TupleView<Content>: View {
  public var body: Never { return fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/_conditionalcontent
public struct ConditionalView<First: View, Second: View>: View {
  public var body: Never { return fatalError("a stub") }
}

extension Optional: View where Wrapped: View {
  public var body: Never { return fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/alignment
public struct Alignment: Sendable {
  public static var center: Alignment { fatalError("a stub") }
  public static var leading: Alignment { fatalError("a stub") }
  public static var topLeading: Alignment { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/horizontalalignment
public struct HorizontalAlignment: Sendable {
  public static var leading: HorizontalAlignment { fatalError("a stub") }
  public static var center: HorizontalAlignment { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/verticalalignment
public struct VerticalAlignment: Sendable {
  public static var top: VerticalAlignment { fatalError("a stub") }
  public static var center: VerticalAlignment { fatalError("a stub") }
  public static var firstTextBaseline: VerticalAlignment { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/vstack
public struct VStack<Content: View>: View {
  /// https://developer.apple.com/documentation/swiftui/vstack/init(alignment:spacing:content:)
  public init(alignment: HorizontalAlignment = .center, spacing: CGFloat? = nil, @ViewBuilder content: () -> Content) {
    fatalError("a stub")
  }

  public var body: Never { return fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/hstack
public struct HStack<Content: View>: View {
  /// https://developer.apple.com/documentation/swiftui/hstack/init(alignment:spacing:content:)
  public init(alignment: VerticalAlignment = .center, spacing: CGFloat? = nil, @ViewBuilder content: () -> Content) {
    fatalError("a stub")
  }

  public var body: Never { return fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/scrollview
public struct ScrollView<Content: View>: View {
  /// https://developer.apple.com/documentation/swiftui/scrollview/init(_:showsindicators:content:)
  public init(@ViewBuilder content: () -> Content) { fatalError("a stub") }

  public var body: Never { return fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/spacer
public struct Spacer: View {
  /// https://developer.apple.com/documentation/swiftui/spacer/init(minlength:)
  public init(minLength: CGFloat? = nil) { fatalError("a stub") }

  public var body: Never { return fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/text
public struct Text: Sendable {
  /// https://developer.apple.com/documentation/swiftui/text/init(_:)-9d1g4
  public init<S: StringProtocol>(_ content: S) { fatalError("a stub") }

  /// https://developer.apple.com/documentation/swiftui/text/font(_:)
  public func font(_ font: Font?) -> Text { self }

  /// https://developer.apple.com/documentation/swiftui/text/foregroundstyle(_:)
  public func foregroundStyle<S: ShapeStyle>(_ style: S) -> Text { self }
}

extension Text: View {
  public var body: Never { return fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/image
public struct Image: Sendable {
  /// https://developer.apple.com/documentation/swiftui/image/init(systemname:)
  public init(systemName: String) { fatalError("a stub") }

  /// https://developer.apple.com/documentation/swiftui/image/init(decorative:scale:orientation:)
  public init(decorative cgImage: CGImage, scale: CGFloat, orientation: Orientation = .up) { fatalError("a stub") }

  /// https://developer.apple.com/documentation/swiftui/image/orientation
  public enum Orientation: Sendable { case up }

  /// https://developer.apple.com/documentation/swiftui/image/interpolation
  public enum Interpolation: Sendable { case none, low, medium, high }

  /// https://developer.apple.com/documentation/swiftui/image/scale
  public enum Scale: Sendable { case small, medium, large }

  /// https://developer.apple.com/documentation/swiftui/image/interpolation(_:)
  public func interpolation(_ interpolation: Interpolation) -> Image { self }

  /// https://developer.apple.com/documentation/swiftui/image/resizable(capinsets:resizingmode:)
  public func resizable() -> Image { self }
}

extension Image: View {
  public var body: Never { return fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/label
public struct Label<Title: View, Icon: View>: View {
  /// https://developer.apple.com/documentation/swiftui/label/init(title:icon:)
  public init(@ViewBuilder title: () -> Title, @ViewBuilder icon: () -> Icon) { fatalError("a stub") }

  public var body: Never { return fatalError("a stub") }
}

extension Label where Title == Text, Icon == Image {
  /// https://developer.apple.com/documentation/swiftui/label/init(_:systemimage:)
  public init<S: StringProtocol>(_ title: S, systemImage name: String) { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/button
public struct Button<Label: View>: View {
  /// https://developer.apple.com/documentation/swiftui/button/init(action:label:)
  public init(action: @escaping @MainActor () -> Void, @ViewBuilder label: () -> Label) { fatalError("a stub") }

  public var body: Never { return fatalError("a stub") }
}

extension Button where Label == Text {
  /// https://developer.apple.com/documentation/swiftui/button/init(_:action:)
  public init<S: StringProtocol>(_ title: S, action: @escaping @MainActor () -> Void) { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/toggle
public struct Toggle<Label: View>: View {
  /// https://developer.apple.com/documentation/swiftui/toggle/init(ison:label:)
  public init(isOn: Binding<Bool>, @ViewBuilder label: () -> Label) { fatalError("a stub") }

  public var body: Never { return fatalError("a stub") }
}

extension Toggle where Label == Text {
  /// https://developer.apple.com/documentation/swiftui/toggle/init(_:ison:)
  public init<S: StringProtocol>(_ title: S, isOn: Binding<Bool>) { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/slider
public struct Slider: View {
  /// https://developer.apple.com/documentation/swiftui/slider/init(value:in:step:oneditingchanged:)
  public init<V: BinaryFloatingPoint>(
    value: Binding<V>, in bounds: ClosedRange<V>, step: V.Stride = 1,
    onEditingChanged: @escaping (Bool) -> Void = { _ in }
  ) where V.Stride: BinaryFloatingPoint { fatalError("a stub") }

  public var body: Never { return fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/progressview
public struct ProgressView: View {
  /// https://developer.apple.com/documentation/swiftui/progressview/init()
  public init() { fatalError("a stub") }

  /// https://developer.apple.com/documentation/swiftui/progressview/init(value:total:)
  public init<V: BinaryFloatingPoint>(value: V?, total: V = 1.0) { fatalError("a stub") }

  public var body: Never { return fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/picker
public struct Picker<SelectionValue: Hashable, Content: View>: View {
  /// https://developer.apple.com/documentation/swiftui/picker/init(_:selection:content:)
  public init<S: StringProtocol>(_ title: S, selection: Binding<SelectionValue>, @ViewBuilder content: () -> Content) {
    fatalError("a stub")
  }

  public var body: Never { return fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/menu
public struct Menu<Label: View, Content: View>: View {
  /// https://developer.apple.com/documentation/swiftui/menu/init(content:label:)
  public init(@ViewBuilder content: () -> Content, @ViewBuilder label: () -> Label) { fatalError("a stub") }

  public var body: Never { return fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/section
public struct Section<Content: View>: View {
  /// https://developer.apple.com/documentation/swiftui/section/init(_:content:)
  public init<S: StringProtocol>(_ title: S, @ViewBuilder content: () -> Content) { fatalError("a stub") }

  public var body: Never { return fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/tabview
public struct TabView<Content: View>: View {
  /// https://developer.apple.com/documentation/swiftui/tabview/init(content:)
  public init(@ViewBuilder content: () -> Content) { fatalError("a stub") }

  public var body: Never { return fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/foreach
public struct ForEach<Data: RandomAccessCollection, ID: Hashable, Content> {}

extension ForEach: View where Content: View {
  /// https://developer.apple.com/documentation/swiftui/foreach/init(_:id:content:)
  public init(_ data: Data, id: KeyPath<Data.Element, ID>, @ViewBuilder content: @escaping (Data.Element) -> Content) {
    fatalError("a stub")
  }

  public var body: Never { return fatalError("a stub") }
}

extension ForEach where Content: View, ID == Data.Element.ID, Data.Element: Identifiable {
  /// https://developer.apple.com/documentation/swiftui/foreach/init(_:content:)
  public init(_ data: Data, @ViewBuilder content: @escaping (Data.Element) -> Content) { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/lazyvgrid
public struct LazyVGrid<Content: View>: View {
  /// https://developer.apple.com/documentation/swiftui/lazyvgrid/init(columns:alignment:spacing:pinnedviews:content:)
  public init(
    columns: [GridItem], alignment: HorizontalAlignment = .center, spacing: CGFloat? = nil,
    @ViewBuilder content: () -> Content
  ) { fatalError("a stub") }

  public var body: Never { return fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/griditem
public struct GridItem: Sendable {
  /// https://developer.apple.com/documentation/swiftui/griditem/size-swift.enum
  public enum Size: Sendable { case adaptive(minimum: CGFloat, maximum: CGFloat = .infinity) }

  /// https://developer.apple.com/documentation/swiftui/griditem/init(_:spacing:alignment:)
  public init(_ size: Size, spacing: CGFloat? = nil) { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/geometryreader
public struct GeometryReader<Content: View>: View {
  /// https://developer.apple.com/documentation/swiftui/geometryreader/init(content:)
  public init(@ViewBuilder content: @escaping (GeometryProxy) -> Content) { fatalError("a stub") }

  public var body: Never { return fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/geometryproxy
public struct GeometryProxy {
  /// https://developer.apple.com/documentation/swiftui/geometryproxy/size
  public var size: CGSize { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/canvas
public struct Canvas: View {
  /// https://developer.apple.com/documentation/swiftui/canvas/init(opaque:colormode:rendersasynchronously:renderer:)
  public init(renderer: @escaping (inout GraphicsContext, CGSize) -> Void) { fatalError("a stub") }

  public var body: Never { return fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/graphicscontext
public struct GraphicsContext {
  /// https://developer.apple.com/documentation/swiftui/graphicscontext/shading
  public struct Shading: Sendable {
    /// https://developer.apple.com/documentation/swiftui/graphicscontext/shading/color(_:)
    public static func color(_ color: Color) -> Shading { fatalError("a stub") }
  }

  /// https://developer.apple.com/documentation/swiftui/graphicscontext/fill(_:with:style:)
  public func fill(_ path: Path, with shading: Shading) {}

  /// https://developer.apple.com/documentation/swiftui/graphicscontext/stroke(_:with:style:)
  public func stroke(_ path: Path, with shading: Shading, style: StrokeStyle) {}

  /// https://developer.apple.com/documentation/swiftui/graphicscontext/draw(_:in:style:)
  public func draw(_ image: Image, in rect: CGRect) {}

  /// https://developer.apple.com/documentation/swiftui/graphicscontext/draw(_:at:anchor:)
  public func draw(_ text: Text, at point: CGPoint, anchor: UnitPoint = .center) {}
}

/// https://developer.apple.com/documentation/swiftui/unitpoint
public struct UnitPoint: Sendable {
  public static var center: UnitPoint { fatalError("a stub") }
  public static var topLeading: UnitPoint { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/path
public struct Path: Sendable {
  /// https://developer.apple.com/documentation/swiftui/path/init()
  public init() {}

  /// https://developer.apple.com/documentation/swiftui/path/init(_:)
  public init(_ rect: CGRect) {}

  /// https://developer.apple.com/documentation/swiftui/path/move(to:)
  public mutating func move(to point: CGPoint) {}

  /// https://developer.apple.com/documentation/swiftui/path/addline(to:)
  public mutating func addLine(to point: CGPoint) {}
}

/// https://developer.apple.com/documentation/swiftui/strokestyle
public struct StrokeStyle: Sendable {
  /// https://developer.apple.com/documentation/swiftui/strokestyle/init(linewidth:linecap:linejoin:miterlimit:dash:dashphase:)
  public init(lineWidth: CGFloat = 1, lineCap: CGLineCap = .butt, lineJoin: CGLineJoin = .miter) {}
}

/// https://developer.apple.com/documentation/swiftui/shapestyle
public protocol ShapeStyle: Sendable {}

/// https://developer.apple.com/documentation/swiftui/color
public struct Color: ShapeStyle, Hashable {
  public static var red: Color { fatalError("a stub") }
  public static var blue: Color { fatalError("a stub") }
  public static var green: Color { fatalError("a stub") }
  public static var orange: Color { fatalError("a stub") }
  public static var yellow: Color { fatalError("a stub") }
  public static var pink: Color { fatalError("a stub") }
  public static var purple: Color { fatalError("a stub") }
  public static var teal: Color { fatalError("a stub") }
  public static var mint: Color { fatalError("a stub") }
  public static var indigo: Color { fatalError("a stub") }
  public static var brown: Color { fatalError("a stub") }
  public static var gray: Color { fatalError("a stub") }
  public static var black: Color { fatalError("a stub") }
  public static var white: Color { fatalError("a stub") }
  public static var clear: Color { fatalError("a stub") }
  public static var primary: Color { fatalError("a stub") }
  public static var secondary: Color { fatalError("a stub") }

  /// https://developer.apple.com/documentation/swiftui/color/accentcolor
  public static var accentColor: Color { fatalError("a stub") }

  /// https://developer.apple.com/documentation/swiftui/color/opacity(_:)
  public func opacity(_ opacity: Double) -> Color { self }
}

extension Color: View {
  public var body: Never { return fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/backgroundstyle
public struct BackgroundStyle: ShapeStyle {}

extension ShapeStyle where Self == BackgroundStyle {
  /// https://developer.apple.com/documentation/swiftui/shapestyle/background
  public static var background: BackgroundStyle { fatalError("a stub") }
}

/// What levels of a style are.
public struct LevelStyle: ShapeStyle {}

extension ShapeStyle {
  /// https://developer.apple.com/documentation/swiftui/shapestyle/secondary-swift.property
  public var secondary: some ShapeStyle { LevelStyle() }
}

/// https://developer.apple.com/documentation/swiftui/shape
@MainActor @preconcurrency
public protocol Shape: View, Sendable {}

extension Shape {
  /// https://developer.apple.com/documentation/swiftui/shape/fill(_:style:)
  public func fill<S: ShapeStyle>(_ content: S) -> some View { self }

  public var body: Never { return fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/rectangle
public struct Rectangle: Shape {
  /// https://developer.apple.com/documentation/swiftui/rectangle/init()
  public nonisolated init() {}
}

/// https://developer.apple.com/documentation/swiftui/roundedrectangle
public struct RoundedRectangle: Shape {
  /// https://developer.apple.com/documentation/swiftui/roundedrectangle/init(cornerradius:style:)
  public nonisolated init(cornerRadius: CGFloat) {}

  /// https://developer.apple.com/documentation/swiftui/insettableshape/strokeborder(_:linewidth:antialiased:)
  public func strokeBorder<S: ShapeStyle>(_ content: S, lineWidth: CGFloat = 1) -> some View { self }
}

/// https://developer.apple.com/documentation/swiftui/font
public struct Font: Hashable, Sendable {
  public static var largeTitle: Font { fatalError("a stub") }
  public static var title: Font { fatalError("a stub") }
  public static var title2: Font { fatalError("a stub") }
  public static var title3: Font { fatalError("a stub") }
  public static var headline: Font { fatalError("a stub") }
  public static var subheadline: Font { fatalError("a stub") }
  public static var body: Font { fatalError("a stub") }
  public static var callout: Font { fatalError("a stub") }
  public static var footnote: Font { fatalError("a stub") }
  public static var caption: Font { fatalError("a stub") }

  /// https://developer.apple.com/documentation/swiftui/font/bold()
  public func bold() -> Font { self }

  /// https://developer.apple.com/documentation/swiftui/font/weight
  public struct Weight: Hashable, Sendable {
    public static var regular: Weight { fatalError("a stub") }
    public static var semibold: Weight { fatalError("a stub") }
  }
}

/// https://developer.apple.com/documentation/swiftui/contentmode
public enum ContentMode: Sendable { case fit, fill }

/// https://developer.apple.com/documentation/swiftui/binding
@propertyWrapper @dynamicMemberLookup
public struct Binding<Value> {
  /// https://developer.apple.com/documentation/swiftui/binding/init(get:set:)-7ufcp
  @preconcurrency
  public init(
    get: @escaping @isolated(any) @Sendable () -> Value, set: @escaping @isolated(any) @Sendable (Value) -> Void
  ) {}

  public var wrappedValue: Value {
    get { fatalError("a stub") }
    nonmutating set {}
  }

  public var projectedValue: Binding<Value> { self }

  public subscript<Subject>(dynamicMember keyPath: WritableKeyPath<Value, Subject>) -> Binding<Subject> {
    fatalError("a stub")
  }
}

extension Binding: @unchecked Sendable where Value: Sendable {}

/// https://developer.apple.com/documentation/swiftui/state
@propertyWrapper
public struct State<Value> {
  public init(wrappedValue value: Value) {}

  public var wrappedValue: Value {
    get { fatalError("a stub") }
    nonmutating set {}
  }

  public var projectedValue: Binding<Value> { fatalError("a stub") }
}

extension State where Value: ExpressibleByNilLiteral {
  /// https://developer.apple.com/documentation/swiftui/state/init()
  public init() {}
}

/// https://developer.apple.com/documentation/swiftui/bindable
@propertyWrapper @dynamicMemberLookup
public struct Bindable<Value: AnyObject & Observable> {
  public init(wrappedValue: Value) {}

  public var wrappedValue: Value { fatalError("a stub") }

  public var projectedValue: Bindable<Value> { self }

  public subscript<Subject>(dynamicMember keyPath: ReferenceWritableKeyPath<Value, Subject>) -> Binding<Subject> {
    fatalError("a stub")
  }
}

/// https://developer.apple.com/documentation/swiftui/scenestorage
@propertyWrapper
public struct SceneStorage<Value> {
  public init(wrappedValue: Value, _ key: String) where Value == String {}

  public var wrappedValue: Value {
    get { fatalError("a stub") }
    nonmutating set {}
  }
}

/// https://developer.apple.com/documentation/swiftui/environment
@propertyWrapper
public struct Environment<Value> {
  public init(_ keyPath: KeyPath<EnvironmentValues, Value>) {}

  public var wrappedValue: Value { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/environmentvalues
public struct EnvironmentValues {
  /// https://developer.apple.com/documentation/swiftui/environmentvalues/openurl
  public var openURL: OpenURLAction { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/openurlaction
@MainActor
public struct OpenURLAction {
  public func callAsFunction(_ url: URL) {}
}

/// https://developer.apple.com/documentation/swiftui/gesture
@MainActor @preconcurrency
public protocol Gesture<Value> {
  associatedtype Value
}

/// https://developer.apple.com/documentation/swiftui/draggesture
public struct DragGesture: Gesture {
  /// https://developer.apple.com/documentation/swiftui/draggesture/value
  public struct Value: Equatable, Sendable {
    /// https://developer.apple.com/documentation/swiftui/draggesture/value/location
    public var location: CGPoint { fatalError("a stub") }
  }

  /// https://developer.apple.com/documentation/swiftui/draggesture/init(minimumdistance:coordinatespace:)
  public init(minimumDistance: CGFloat = 10) {}
}

/// What stands for a gesture with actions.
public struct ActingGesture<Value>: Gesture {}

extension Gesture {
  /// https://developer.apple.com/documentation/swiftui/gesture/onchanged(_:)
  public func onChanged(_ action: @escaping @MainActor (Value) -> Void) -> ActingGesture<Value> { fatalError("a stub") }

  /// https://developer.apple.com/documentation/swiftui/gesture/onended(_:)
  public func onEnded(_ action: @escaping @MainActor (Value) -> Void) -> ActingGesture<Value> { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/app
@MainActor @preconcurrency
public protocol App {
  associatedtype Body: Scene

  @SceneBuilder var body: Body { get }

  init()
}

extension App {
  /// https://developer.apple.com/documentation/swiftui/app/main()
  public static func main() {}
}

/// https://developer.apple.com/documentation/swiftui/scene
@MainActor @preconcurrency
public protocol Scene {}

/// https://developer.apple.com/documentation/swiftui/scenebuilder
@resultBuilder
public struct SceneBuilder {
  public static func buildBlock<Content: Scene>(_ content: Content) -> Content { content }
}

/// https://developer.apple.com/documentation/swiftui/windowgroup
public struct WindowGroup<Content: View>: Scene {
  /// https://developer.apple.com/documentation/swiftui/windowgroup/init(content:)
  public init(@ViewBuilder content: @escaping () -> Content) {}
}

/// https://developer.apple.com/documentation/swiftui/accessibilitytraits
public struct AccessibilityTraits: OptionSet, Sendable {
  public let rawValue: Int

  public init(rawValue: Int) { self.rawValue = rawValue }

  public static var isHeader: AccessibilityTraits { AccessibilityTraits(rawValue: 1) }
  public static var allowsDirectInteraction: AccessibilityTraits { AccessibilityTraits(rawValue: 2) }
}

/// https://developer.apple.com/documentation/swiftui/accessibilitychildbehavior
public struct AccessibilityChildBehavior: Sendable {
  public static var ignore: AccessibilityChildBehavior { fatalError("a stub") }
  public static var combine: AccessibilityChildBehavior { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/pickerstyle
public protocol PickerStyle {}

/// https://developer.apple.com/documentation/swiftui/segmentedpickerstyle
public struct SegmentedPickerStyle: PickerStyle {}

extension PickerStyle where Self == SegmentedPickerStyle {
  public static var segmented: SegmentedPickerStyle { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/primitivebuttonstyle
public protocol PrimitiveButtonStyle {}

/// https://developer.apple.com/documentation/swiftui/borderedbuttonstyle
public struct BorderedButtonStyle: PrimitiveButtonStyle {}

extension PrimitiveButtonStyle where Self == BorderedButtonStyle {
  public static var bordered: BorderedButtonStyle { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/borderedprominentbuttonstyle
public struct BorderedProminentButtonStyle: PrimitiveButtonStyle {}

extension PrimitiveButtonStyle where Self == BorderedProminentButtonStyle {
  public static var borderedProminent: BorderedProminentButtonStyle { fatalError("a stub") }
}

/// https://developer.apple.com/documentation/swiftui/sharelink
public struct ShareLink: View {
  /// https://developer.apple.com/documentation/swiftui/sharelink/init(_:item:subject:message:)
  public init<S: StringProtocol>(_ title: S, item: URL) { fatalError("a stub") }

  public var body: Never { return fatalError("a stub") }
}

extension View {
  /// https://developer.apple.com/documentation/swiftui/view/frame(width:height:alignment:)
  public nonisolated func frame(width: CGFloat? = nil, height: CGFloat? = nil, alignment: Alignment = .center)
    -> some View
  { SystemView() }

  /// https://developer.apple.com/documentation/swiftui/view/frame(minwidth:idealwidth:maxwidth:minheight:idealheight:maxheight:alignment:)
  public nonisolated func frame(
    minWidth: CGFloat? = nil, idealWidth: CGFloat? = nil, maxWidth: CGFloat? = nil, minHeight: CGFloat? = nil,
    idealHeight: CGFloat? = nil, maxHeight: CGFloat? = nil, alignment: Alignment = .center
  ) -> some View { SystemView() }

  /// https://developer.apple.com/documentation/swiftui/view/padding(_:)-68shk
  public nonisolated func padding(_ length: CGFloat) -> some View { SystemView() }

  /// https://developer.apple.com/documentation/swiftui/view/padding(_:_:)
  public nonisolated func padding() -> some View { SystemView() }

  /// https://developer.apple.com/documentation/swiftui/view/background(_:in:fillstyle:)
  public nonisolated func background<S: ShapeStyle, T: Shape>(_ style: S, in shape: T) -> some View { SystemView() }

  /// https://developer.apple.com/documentation/swiftui/view/overlay(alignment:content:)
  public nonisolated func overlay<V: View>(alignment: Alignment = .center, @ViewBuilder content: () -> V) -> some View {
    SystemView()
  }

  /// https://developer.apple.com/documentation/swiftui/view/clipshape(_:style:)
  public nonisolated func clipShape<S: Shape>(_ shape: S) -> some View { SystemView() }

  /// https://developer.apple.com/documentation/swiftui/view/gesture(_:including:)
  public nonisolated func gesture<T: Gesture>(_ gesture: T) -> some View { SystemView() }

  /// https://developer.apple.com/documentation/swiftui/view/aspectratio(_:contentmode:)-771ow
  public nonisolated func aspectRatio(_ aspectRatio: CGFloat? = nil, contentMode: ContentMode) -> some View {
    SystemView()
  }

  /// https://developer.apple.com/documentation/swiftui/view/font(_:)
  public nonisolated func font(_ font: Font?) -> some View { SystemView() }

  /// https://developer.apple.com/documentation/swiftui/view/fontweight(_:)
  public nonisolated func fontWeight(_ weight: Font.Weight?) -> some View { SystemView() }

  /// https://developer.apple.com/documentation/swiftui/view/monospaceddigit()
  public nonisolated func monospacedDigit() -> some View { SystemView() }

  /// https://developer.apple.com/documentation/swiftui/view/foregroundstyle(_:)
  public nonisolated func foregroundStyle<S: ShapeStyle>(_ style: S) -> some View { SystemView() }

  /// https://developer.apple.com/documentation/swiftui/view/tint(_:)-93mfq
  public nonisolated func tint(_ tint: Color?) -> some View { SystemView() }

  /// https://developer.apple.com/documentation/swiftui/view/fixedsize(horizontal:vertical:)
  public nonisolated func fixedSize(horizontal: Bool, vertical: Bool) -> some View { SystemView() }

  /// https://developer.apple.com/documentation/swiftui/view/imagescale(_:)
  public nonisolated func imageScale(_ scale: Image.Scale) -> some View { SystemView() }

  /// https://developer.apple.com/documentation/swiftui/view/disabled(_:)
  public nonisolated func disabled(_ disabled: Bool) -> some View { SystemView() }

  /// https://developer.apple.com/documentation/swiftui/view/tag(_:includeoptional:)
  public nonisolated func tag<V: Hashable>(_ tag: V) -> some View { SystemView() }

  /// https://developer.apple.com/documentation/swiftui/view/tabitem(_:)
  public nonisolated func tabItem<V: View>(@ViewBuilder _ label: () -> V) -> some View { SystemView() }

  /// https://developer.apple.com/documentation/swiftui/view/pickerstyle(_:)
  public nonisolated func pickerStyle<S: PickerStyle>(_ style: S) -> some View { SystemView() }

  /// https://developer.apple.com/documentation/swiftui/view/buttonstyle(_:)-66fbx
  public nonisolated func buttonStyle<S: PrimitiveButtonStyle>(_ style: S) -> some View { SystemView() }

  /// https://developer.apple.com/documentation/swiftui/view/onappear(perform:)
  public nonisolated func onAppear(perform action: (@MainActor () -> Void)? = nil) -> some View { SystemView() }

  /// https://developer.apple.com/documentation/swiftui/view/ondisappear(perform:)
  public nonisolated func onDisappear(perform action: (@MainActor () -> Void)? = nil) -> some View { SystemView() }

  /// https://developer.apple.com/documentation/swiftui/view/onchange(of:initial:_:)-4psgg
  public nonisolated func onChange<V: Equatable>(
    of value: V, initial: Bool = false, _ action: @escaping @MainActor (_ oldValue: V, _ newValue: V) -> Void
  ) -> some View { SystemView() }

  /// https://developer.apple.com/documentation/swiftui/view/task(priority:_:)
  public nonisolated func task(
    priority: TaskPriority = .userInitiated, @_inheritActorContext _ action: @escaping @Sendable () async -> Void
  ) -> some View { SystemView() }

  /// https://developer.apple.com/documentation/swiftui/view/fileimporter(ispresented:allowedcontenttypes:oncompletion:)
  public nonisolated func fileImporter(
    isPresented: Binding<Bool>, allowedContentTypes: [UTType],
    onCompletion: @escaping @MainActor (Result<URL, any Error>) -> Void
  ) -> some View { SystemView() }

  /// https://developer.apple.com/documentation/swiftui/view/accessibilitylabel(_:)-1d7jv
  public nonisolated func accessibilityLabel<S: StringProtocol>(_ label: S) -> some View { SystemView() }

  /// https://developer.apple.com/documentation/swiftui/view/accessibilityvalue(_:)
  public nonisolated func accessibilityValue<S: StringProtocol>(_ value: S) -> some View { SystemView() }

  /// https://developer.apple.com/documentation/swiftui/view/accessibilityhint(_:)-3i2vu
  public nonisolated func accessibilityHint<S: StringProtocol>(_ hint: S) -> some View { SystemView() }

  /// https://developer.apple.com/documentation/swiftui/view/accessibilityhidden(_:)
  public nonisolated func accessibilityHidden(_ hidden: Bool) -> some View { SystemView() }

  /// https://developer.apple.com/documentation/swiftui/view/accessibilityelement(children:)
  public nonisolated func accessibilityElement(children: AccessibilityChildBehavior = .ignore) -> some View {
    SystemView()
  }

  /// https://developer.apple.com/documentation/swiftui/view/accessibilityaddtraits(_:)
  public nonisolated func accessibilityAddTraits(_ traits: AccessibilityTraits) -> some View { SystemView() }
}

/// https://developer.apple.com/documentation/swiftui/visibility
public enum Visibility: Sendable { case automatic, visible, hidden }
