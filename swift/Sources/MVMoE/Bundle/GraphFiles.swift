/// Which files of a target an engine reads for each graph: the graph's own, and those of no single graph.
struct GraphFiles: Sendable {
  private var own: [String: [FileRecord]] = [:]
  private var shared: [FileRecord] = []

  /// The lengths of graphs' paths: a path may have hundreds of folders, of which few can be a graph's package.
  private let lengths: Set<Int>

  init(_ target: Target) {
    lengths = Set(target.graphs.map(\.file.utf8.count))
    for graph in target.graphs { own[graph.file] = [] }
    for file in target.files {
      if let owner = owner(of: file.path) { own[owner]?.append(file) } else { shared.append(file) }
    }
  }

  /// Made anew at each call: many graphs with many shared files would fill the memory.
  func files(of graph: Graph) -> [FileRecord] { (own[graph.file] ?? []) + shared }

  /// The path of the graph that a file is, or whose package it lies in.
  private func owner(of path: String) -> String? {
    var part = path.utf8[...]
    while true {
      if lengths.contains(part.count), let owner = String(part), own[owner] != nil { return owner }
      guard let slash = part.lastIndex(of: UInt8(ascii: "/")) else { return nil }
      part = part[..<slash]
    }
  }
}
