/// What each level becomes in the model's input (`docs/bundle.md`, *Preprocessing*, step 5).
///
/// Factors are computed in double precision and rounded to fp32 once. Product and sum of two `Float`s are each rounded to fp32:
/// the compiler never makes a fused multiply-add of them by itself.
struct Normalization: Sendable {
  /// For each channel the values of the levels 0 to 255, in the order of the input's channels.
  let values: [[Float]]

  init(_ input: InputSpec) {
    values = zip(input.mean, input.std).map { mean, std in
      let scale = Float(1 / (255 * std))
      let shift = Float(-mean / std)
      return (0..<256).map { Float($0) * scale + shift }
    }
  }
}
