/// One of a subject's outputs for one image: a new array, as an application would get it.
struct OutputValue: Sendable {
  let name: String
  let numbers: [Float]
}

/// The outputs of one image.
typealias OutputValues = [OutputValue]

/// One way to answer images, in memory and ready.
protocol Subject: AnyObject {
  /// The engine that it really got.
  var actual: EngineChoice { get }

  func answer(_ query: Query) async throws -> OutputValues

  /// One answer and its parts; nil for a subject without parts.
  func trace(_ query: Query) async throws -> Traced?

  /// Brings in what may be resident and is not yet, so that warm answers are warm.
  func prewarm() async throws

  /// Loads the graphs that are not in memory yet, one by one, until `body` says that it has had enough.
  func loadEach(_ body: (Loaded) -> Bool) async throws

  /// Gives everything up; called last.
  func close() async
}

extension Subject {
  func trace(_ query: Query) async throws -> Traced? { nil }

  func prewarm() async throws {}

  func loadEach(_ body: (Loaded) -> Bool) async throws {}

  func close() async {}

  /// As ``trace(_:)``, of a subject that has parts.
  func traced(_ query: Query) async throws -> Traced {
    guard let traced = try await trace(query) else { throw refused("\(type(of: self)) has no parts to trace") }
    return traced
  }
}
