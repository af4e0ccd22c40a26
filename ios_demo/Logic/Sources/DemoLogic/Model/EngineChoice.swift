import Foundation
import MVMoE

/// Something that can run the graphs: an engine with its options, which the user chooses by its name.
public struct EngineChoice: Sendable, Identifiable {
  /// Opens a bundle.
  public typealias Open = @Sendable (_ bundle: URL, _ options: OpenOptions) async throws -> Dispatcher

  /// What it is remembered by: `cpuAndNeuralEngine`.
  public let id: String

  /// For people: `Core ML: CPU and Neural Engine`.
  public let name: String

  /// Whether it may use the GPU, which iOS refuses to apps in the background.
  public let usesGPU: Bool

  /// A new engine.
  public let engine: @Sendable () -> any Engine

  let open: Open

  /// - Parameter open: opens a bundle otherwise than `Dispatcher.open` does with the engine: one that goes on with
  ///   other compute units, say.
  public init(
    id: String, name: String, usesGPU: Bool = false, engine: @escaping @Sendable () -> any Engine, open: Open? = nil
  ) {
    self.id = id
    self.name = name
    self.usesGPU = usesGPU
    self.engine = engine
    self.open = open ?? { try await Dispatcher.open($0, engine: engine(), options: $1) }
  }
}

/// The engines of an app: at least one.
public struct EngineChoices: Sendable {
  /// What is used unless the user chooses another one.
  public let first: EngineChoice

  /// In the order in which they are shown.
  public let all: [EngineChoice]

  /// Engines in the order in which they are shown.
  public init(_ first: EngineChoice, _ others: EngineChoice...) {
    self.first = first
    all = [first] + others
  }

  /// The one that is remembered by `id`; the first where there is none.
  func choice(_ id: String?) -> EngineChoice { all.first { $0.id == id } ?? first }
}
