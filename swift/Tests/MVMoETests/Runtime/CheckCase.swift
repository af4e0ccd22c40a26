import Testing

@testable import MVMoE

/// Golden answers in memory, with the manifest that they belong to.
///
/// Logits and routes are by stage and then by image, outputs by their kind, which is their name, and then by image.
struct CheckCase: GoldenAnswers {
  let rules: [any Rule]
  let wantedLogits: [[[Float]]]
  let wantedOutputs: [(kind: String, images: [[Float]])]
  private let shapes: [String: [Int]]
  private let wantedRoutes: [[Route?]]
  private let bounds: Bounds
  private let verification: Verification?
  private let answered: [Answered]

  init(
    rules: [any Rule], logits: [[[Float]]], outputs: [(kind: String, images: [[Float]])],
    shapes: [String: [Int]]? = nil,
    routes: [[Route?]]? = nil, bounds: Bounds = Bounds(), verification: Verification? = nil, answered: [Answered] = []
  ) throws {
    self.rules = rules
    wantedLogits = logits
    wantedOutputs = outputs
    self.shapes = shapes ?? Dictionary(uniqueKeysWithValues: outputs.map { ($0.kind, [$0.images[0].count]) })
    wantedRoutes = try routes ?? zip(rules, logits).map { rule, rows in try rows.map { try rule.select($0).route } }
    self.bounds = bounds
    self.verification = verification
    self.answered = answered
  }

  /// A case of `checks.json`, which `generate.py` beside it writes.
  init(_ data: JSONValue) throws {
    let (stages, outputs) = (try data["stages"].items(), try data["outputs"].items())
    let answered = try (0..<(try data["images"].int())).map { image in
      Answered(
        routes: try stages.map { Route(try $0["routes"].items()[image].ints()) },
        logits: try stages.map { try $0["given"].items()[image].floats() },
        outputs: Dictionary(
          uniqueKeysWithValues: try outputs.map { (try $0["kind"].text(), try $0["given"].items()[image].floats()) }))
    }
    try self.init(
      rules: try data["rules"].items().map(RuleReader.rule),
      logits: try stages.map { try $0["wanted"].items().map { try $0.floats() } },
      outputs: try outputs.map { (try $0["kind"].text(), try $0["wanted"].items().map { try $0.floats() }) },
      shapes: Dictionary(uniqueKeysWithValues: try outputs.map { (try $0["kind"].text(), try $0["shape"].ints()) }),
      routes: try stages.map { stage in
        try stage["members"].items().map { members in
          let experts = try members.ints()
          return experts.isEmpty ? nil : Route(experts)
        }
      },
      bounds: Bounds(agreement: 0.9), verification: try data["verified"].boolean() ? Self.verified : nil,
      answered: answered)
  }

  var images: Int { wantedLogits[0].count }

  func logits(stage: Int, image: Int) -> [Float] { wantedLogits[stage - 1][image] }

  func members(stage: Int, image: Int) -> Route? { wantedRoutes[stage - 1][image] }

  func output(_ name: String, image: Int) throws -> [Float] {
    try #require(wantedOutputs.first { $0.kind == name }).images[image]
  }

  func shape(_ name: String) throws -> [Int] { try #require(shapes[name]) }

  /// The check of an engine that gave these logits and outputs, and took the routes that follow, by image, if none are named.
  func check(
    logits: [[[Float]]]? = nil, outputs: [(kind: String, images: [[Float]])]? = nil, routes: [[Route]]? = nil
  ) throws -> EngineCheck {
    let (logits, outputs) = (logits ?? wantedLogits, outputs ?? wantedOutputs)
    let found = try (0..<images).map { image in
      Answered(
        routes: try routes?[image] ?? zip(rules, logits).map { rule, rows in try rule.select(rows[image]).route },
        logits: logits.map { $0[image] },
        outputs: Dictionary(uniqueKeysWithValues: outputs.map { ($0.kind, $0.images[image]) }))
    }
    return try AnswerCheck.check(self, found, manifest, target)
  }

  /// The check of the answers that the case came with.
  func checkAnswered() throws -> EngineCheck { try AnswerCheck.check(self, answered, manifest, target) }

  private var manifest: Manifest {
    Manifest(
      model: ModelInfo(family: "mobile_vmoe", name: "tiny", paramsTotal: 1, paramsActive: 1, macs: 1),
      source: Source(checkpointSha256: nil, packages: [:], weights: nil, input: [:]),
      input: InputSpec(
        height: 1, width: 1, channelOrder: .grey, resize: "squash", cropFraction: 1, resizeSize: nil, padLevel: nil,
        padPlace: nil, padRounding: nil, interpolation: "bicubic", mean: [0.5], std: [0.5]),
      stages: ([nil] + rules).enumerated().map { index, rule in
        Stage(name: "step\(index)", rule: rule, router: nil, takes: [:], gives: [:], finishes: [])
      },
      outputs: wantedOutputs.map {
        OutputSpec(name: $0.kind, kind: $0.kind, tensors: ["step1.\($0.kind)"], labels: nil)
      },
      targets: [], usagePrior: nil,
      golden: GoldenSpec(images: images, file: FileRecord(path: "golden.safetensors", bytes: 1, sha256: "")),
      restrictions: [])
  }

  private var target: Target {
    Target(
      name: "onnx", format: "onnx", strategy: "dispatch", precision: "fp32", batch: 1, graphs: [], weights: nil,
      files: [],
      parity: verification.map { Parity(graphs: 1, maxAbsError: 0, tolerance: 1, verification: $0) },
      routersInGraph: false, options: [:], rewrites: [], sizes: nil, experts: [], bounds: bounds,
      compression: nil)
  }

  private static let verified = Verification(
    images: 1, routingAgreement: 1, routerError: 0, routerErrorBound: 2e-4, answerError: 0, answerErrorBound: 3e-2,
    outputs: [:], nearTies: 0, forcedRoutes: 0, accuracy: nil)
}
