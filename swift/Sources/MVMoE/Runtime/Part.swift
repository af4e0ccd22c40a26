/// A part of one inference; ``impose`` is what it takes to impose a route on a router, which only benchmarks do.
package enum Part: Sendable, CaseIterable {
  case preprocess
  case stem
  case select
  case impose
  case load
  case expert
}
