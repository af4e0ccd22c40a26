import Foundation
import MVMoE

/// The golden images of a bundle, and what PyTorch makes of them.
struct GoldenInputs: Sendable {
  let images: Images
  let sha256: String
  let reference: Reference
  private let callersRules: [any CallersRule]

  /// - Throws: `MVMoEError` for golden vectors that are damaged.
  init(_ bundle: ModelBundle) throws {
    let golden = try bundle.golden()
    let numbers = try (0..<golden.images).map { try golden.image($0) }
    images = Images(numbers, shape: bundle.manifest.input.shape)
    // Of the numbers as they lie in a file.
    let bytes = numbers.joined().map(\.bitPattern.littleEndian).withUnsafeBytes { Array($0) }
    sha256 = try SHA256Digest.hexadecimalDigits(of: bytes)
    reference = try Reference.of(golden, bundle.manifest)
    callersRules = bundle.manifest.rules.compactMap { $0 as? any CallersRule }
  }

  var names: [String] { (0..<images.count).map { "golden \($0)" } }

  /// Every image once.
  func once() -> [Query] { (0..<images.count).map(query) }

  /// What is asked in one repeat: repeats ask different images as long as there are any.
  func rounds(_ count: Int, repeat number: Int) -> [Query] {
    (0..<count).map { query((number * count + $0) % max(images.count, 1)) }
  }

  /// Where the caller chooses, an image takes what the golden vectors are of.
  private func query(_ image: Int) -> Query {
    var choices: [String: String] = [:]
    for rule in callersRules {
      let turns = Choices.turns(of: rule)
      if let name = turns[image % turns.count] { choices[rule.choice] = name }
    }
    return Query(image: image, choices: choices)
  }
}
