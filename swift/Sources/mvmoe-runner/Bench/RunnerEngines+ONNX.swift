#if os(Linux)
  import MVMoE
  import MVMoEBench
  import MVMoEONNX

  /// ONNX Runtime, with the options `pool` and `provider`.
  struct RunnerEngines: Engines {
    private static let format = "onnx"

    /// Those that ONNX Runtime has on Linux.
    private static let providers: [ExecutionProvider] = [.cpu, .xnnpack]

    func engine(format: String, threads: Int, options: [String: String]) throws -> any Engine {
      guard format == Self.format else { throw unknownFormat(format, runs: Self.format) }
      var pool = ThreadPool.session
      var provider = ExecutionProvider.cpu
      for (name, value) in options.sorted(by: { $0.key < $1.key }) {
        switch name {
        case "pool": pool = try Self.found(ThreadPool.allCases, name, value) { "\($0)" }
        case "provider": provider = try Self.found(Self.providers, name, value, \.name)
        default: throw Self.unknown(name)
        }
      }
      return .onnx(threads: threads, provider: provider, pool: pool)
    }

    /// The engine that nothing was asked of.
    static func usual(threads: Int?) throws -> any Engine { .onnx(threads: threads) }

    /// How this program runs which format.
    static func variants() -> [EngineVariant] {
      [EngineVariant(format: format, engine: "ONNX Runtime \(ONNXEngine.version), Swift", provider: "CPU")]
    }

    /// Versions by name.
    static func packages() -> [String: String] { ["onnxruntime": ONNXEngine.version] }

    private static func found<Value>(
      _ known: [Value], _ option: String, _ given: String, _ name: (Value) -> String
    ) throws -> Value {
      guard let value = known.first(where: { name($0).lowercased() == given.lowercased() }) else {
        throw unknown("\(option)=\(given)")
      }
      return value
    }

    private static func unknown(_ given: String) -> MVMoEError {
      unknownOption(given, expected: ["pool=session", "pool=process", "provider=cpu", "provider=xnnpack"])
    }
  }
#endif
