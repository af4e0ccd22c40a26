/// An engine and where it runs its graphs.
struct EngineChoice: Sendable, Hashable {
  let engine: String
  var provider: String?

  var plain: PlainData { ["engine": .text(engine), "provider": .optional(provider)] }
}
