import Foundation

/// All bytes of a file.
///
/// - Throws: An error that names the file, and says in a sentence why it cannot be read.
package func fileContents(_ file: URL) throws -> Data {
  do {
    return try Data(contentsOf: file)
  } catch {
    let reason = access(file.path, R_OK) == 0 ? error.localizedDescription : String(cString: strerror(errno))
    throw FileFailure("\(file.path) cannot be read: \(reason)")
  }
}
