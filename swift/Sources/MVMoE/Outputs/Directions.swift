/// A vector of finite numbers with the length 1, in double precision; zeros stay zeros.
func direction(of vector: [Float]) -> [Double] {
  let peak = Double(vector.lazy.map(abs).max() ?? 0)
  if peak == 0 { return Array(repeating: 0, count: vector.count) }
  // First to a peak of 1, as the page says: every language rounds alike.
  let scaled = vector.map { Double($0) / peak }
  let length = scaled.reduce(0) { $0 + $1 * $1 }.squareRoot()
  return scaled.map { $0 / length }
}

/// The cosine of two vectors of finite numbers and one length; 0 where one is of zeros.
func cosine(of one: [Float], _ other: [Float]) -> Double {
  zip(direction(of: one), direction(of: other)).reduce(0) { $0 + $1.0 * $1.1 }
}
