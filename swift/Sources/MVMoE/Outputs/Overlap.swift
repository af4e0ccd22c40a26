/// The area that two boxes share, divided by the area that they cover together.
func overlap(_ one: Box, _ other: Box) -> Double {
  let width = min(one.right, other.right) - max(one.left, other.left)
  let height = min(one.bottom, other.bottom) - max(one.top, other.top)
  let common = max(width, 0) * max(height, 0)
  return common / (one.width * one.height + other.width * other.height - common)
}
