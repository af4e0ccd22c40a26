/// The elements of a tensor whose sizes are not below zero; `Int.max` where there are more than an `Int` can count.
func elementCount(of shape: [Int]) -> Int { shape.reduce(1, saturatedProduct) }

/// The bytes of a tensor, saturated as ``elementCount(of:)``.
func byteCount(of shape: [Int], _ dtype: DType) -> Int { saturatedProduct(elementCount(of: shape), dtype.bytes) }

/// The product of two numbers of which none is below zero; `Int.max` where it is larger.
func saturatedProduct(_ one: Int, _ other: Int) -> Int {
  let (product, overflows) = one.multipliedReportingOverflow(by: other)
  return overflows ? Int.max : product
}

extension ErrorValue {
  /// The sizes of a tensor.
  static func shape(_ sizes: [Int]) -> ErrorValue { .list(sizes.map(ErrorValue.integer)) }
}
