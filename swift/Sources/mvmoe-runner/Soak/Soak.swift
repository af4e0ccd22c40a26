#if os(Linux)
  import Foundation
  import MVMoE
  import MVMoEBench
  import MVMoEONNX

  /// Answers the golden images of a bundle in turn, for a long time.
  struct Soak {
    /// What runs the graphs.
    let engine: any Engine

    /// The engine whose native objects are counted: ``engine`` itself, or the one that it hands graphs on to.
    let counted: ONNXEngine
    let residency: Residency
    var options = OpenOptions()

    /// What the process holds more after the last answer, and after closing, than it should; empty for no leak.
    ///
    /// It looks after every so many answers. Each answer has to be that of the same image before, bit for bit.
    func run(_ root: URL, answers: Int, every: Int, show: (Look) throws -> Void) async throws -> [String] {
      var looks: [Look] = []
      let start = MonotonicClock.nanoseconds()
      func look(_ number: Int) throws {
        let seconds = Double(MonotonicClock.nanoseconds() - start) / 1e9
        let found = Look.take(answers: number, seconds: seconds, engine: counted)
        looks.append(found)
        try show(found)
      }
      try await answer(root, answers) { number in
        if number.isMultiple(of: every) { try look(number) }
      }
      try look(answers)
      return Leaks.of(looks)
    }

    /// Opens the bundle, answers, and closes; nothing of it is left when this returns.
    private func answer(_ root: URL, _ answers: Int, _ answered: (Int) throws -> Void) async throws {
      let dispatcher = try await Dispatcher.open(root, engine: engine, residency: residency, options: options)
      let images = try images(dispatcher)
      var first: [[UInt32]] = []
      for image in images { first.append(try await bits(dispatcher, image)) }
      for number in 1...answers {
        let image = number % images.count
        guard try await bits(dispatcher, images[image]) == first[image] else {
          throw UsageError("answer \(number), of image \(image), is another one than the first")
        }
        try answered(number)
      }
      await dispatcher.close()
    }

    /// The golden images `[1, C, H, W]`.
    private func images(_ dispatcher: Dispatcher) throws -> [Tensor] {
      let golden = try dispatcher.bundle.golden()
      let shape = [1] + dispatcher.bundle.manifest.input.shape
      return try (0..<golden.images).map { Tensor(try golden.image($0), shape: shape) }
    }

    /// All numbers of an answer.
    private func bits(_ dispatcher: Dispatcher, _ image: Tensor) async throws -> [UInt32] {
      try await dispatcher.run(image).flatMap { $0.outputs.flatMap { $0.values.map(\.bitPattern) } }
    }
  }
#endif
