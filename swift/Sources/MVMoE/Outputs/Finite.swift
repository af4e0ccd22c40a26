/// Whether all values are numbers.
func areFinite(_ values: [Float]) -> Bool { values.allSatisfy(\.isFinite) }

/// Whether all values of both sides are numbers; an image of which one is not has an agreement of 0.
func areFinite(_ given: [Float], _ wanted: [Float]) -> Bool { areFinite(given) && areFinite(wanted) }
