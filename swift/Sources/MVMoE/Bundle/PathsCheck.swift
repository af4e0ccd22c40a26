/// Every path stays inside of the bundle: no part of it is empty, `.` or `..`.
func checkPaths(_ manifest: Manifest) throws {
  try checkPath(manifest.golden.file.path)
  for target in manifest.targets {
    for file in target.files { try checkPath(file.path) }
    for graph in target.graphs { try checkPath(graph.file) }
    if let weights = target.weights { try checkPath(weights) }
  }
}

private func checkPath(_ path: String) throws {
  let parts = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
  let leads = parts.contains { $0.isEmpty || $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) }
  try requireConsistent(
    !leads, Fault(.bundlePathOutside, ["path": .text(path)]),
    "the path \(path) is not relative, or does not stay inside the bundle")
}

/// What graphs use is in their target's list of files, which has each path once; files of one path are one file.
func checkFiles(_ manifest: Manifest) throws {
  for target in manifest.targets { try checkListed(target) }
  var one: [String: FileRecord] = [:]
  for file in manifest.targets.flatMap(\.files) + [manifest.golden.file] {
    // Some file systems do not tell upper from lower case.
    let key = file.path.lowercased()
    let other = one[key] ?? file
    one[key] = other
    try requireConsistent(
      isSame(file, other), "the files \(other.path) and \(file.path) are one path with different content")
  }
}

private func isSame(_ one: FileRecord, _ other: FileRecord) -> Bool {
  one.path == other.path && one.bytes == other.bytes && one.sha256 == other.sha256
}

private func checkListed(_ target: Target) throws {
  let paths = target.files.map(\.path)
  try requireDistinct(paths, "file of target \(target.name)")
  let listed = Set(paths)
  let sorted = paths.sorted()
  for graph in target.graphs {
    try requireConsistent(
      listed.contains(graph.file) || isPackage(graph.file, sorted), notListed(target, graph.file))
  }
  guard let weights = target.weights else { return }
  try requireConsistent(listed.contains(weights), notListed(target, weights))
}

/// Whether a path is a directory of listed files, which are in ascending order.
private func isPackage(_ path: String, _ paths: [String]) -> Bool {
  let folder = path + "/"
  var (low, high) = (0, paths.count)
  while low < high {
    let middle = (low + high) / 2
    if paths[middle] < folder { low = middle + 1 } else { high = middle }
  }
  return low < paths.count && paths[low].hasPrefix(folder)
}

private func notListed(_ target: Target, _ path: String) -> String {
  "target \(target.name) uses \(path), which its list of files lacks"
}
