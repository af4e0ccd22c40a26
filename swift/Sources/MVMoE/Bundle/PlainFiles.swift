import Foundation

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Finds the files of a bundle: each is a regular file, and no part of its path is a symbolic link.
///
/// A path is followed from one open folder to the next, so that nobody can put a link into a part that was looked at before.
struct PlainFiles {
  private let root: URL

  /// The files of the bundle at `root`, which itself may be reached through links.
  init(_ root: URL) { self.root = root }

  /// Opens the file at a path of the bundle.
  ///
  /// - Throws: ``MVMoEError`` where it is missing, is no regular file, or is behind a link.
  func open(_ path: String) throws -> OpenFile {
    let parts = parts(of: path)
    return try readingFile(root, path) {
      var folder = try openRoot(path)
      for part in parts.dropLast() { folder = try openFolder(part, in: folder, path) }
      return try openFile(parts.last ?? path, in: folder, path)
    }
  }

  /// Whether nothing is at a path; what is there and wrong, or cannot be looked at, is not missing.
  func isMissing(_ path: String) -> Bool {
    var place = root.path
    for part in parts(of: path) {
      place += "/\(part)"
      do {
        guard let found = try FileKind.at(path: place) else { return true }
        if found != .folder { return false }
      } catch {
        return false
      }
    }
    return false
  }

  private func parts(of path: String) -> [String] {
    path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
  }

  private func openRoot(_ path: String) throws -> OpenFile {
    do {
      return try OpenFile(folder: root.path)
    } catch let error as FileError where error.number == ENOENT {
      throw missing(path)
    }
  }

  private func openFolder(_ name: String, in folder: OpenFile, _ path: String) throws -> OpenFile {
    switch try FileKind.of(name, in: folder) {
    // A part of a path that is a file has nothing in it.
    case nil, .regular: throw missing(path)
    case .link: throw link(path)
    case .folder, .special: return try folder.member(name, isFolder: true)
    }
  }

  private func openFile(_ name: String, in folder: OpenFile, _ path: String) throws -> OpenFile {
    switch try FileKind.of(name, in: folder) {
    case nil: throw missing(path)
    case .link: throw link(path)
    case .folder, .special: throw notRegular(path)
    case .regular: break
    }
    let file = try folder.member(name, isFolder: false)
    // Another file may have taken its place meanwhile.
    if try file.identity().kind != .regular { throw notRegular(path) }
    return file
  }

  private func missing(_ path: String) -> MVMoEError {
    wrongFile(.bundleFileMissing, path, "\(path) of bundle \(root.path) is missing")
  }

  private func notRegular(_ path: String) -> MVMoEError {
    wrongFile(.bundleFileNotPlain, path, "\(path) of bundle \(root.path) is not a regular file")
  }

  private func link(_ path: String) -> MVMoEError {
    let sentence = "\(path) of bundle \(root.path) is behind a symbolic link, and a bundle holds plain files only"
    return wrongFile(
      .bundleFileNotPlain, path, "\(sentence); copy it with its links resolved (cp -rL \(root.path) COPY)")
  }
}
