/// The median of numbers; nil without any.
func median(_ numbers: [Int]) -> Int? {
  if numbers.isEmpty { return nil }
  let sorted = numbers.sorted()
  let (low, high) = (sorted[(sorted.count - 1) / 2], sorted[sorted.count / 2])
  return low + (high - low) / 2
}
