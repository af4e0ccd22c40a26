#if os(Linux)
  import CProcessFacts
  import Foundation

  /// What Linux says of this process in the files of `/proc/self`.
  package enum ProcFiles {
    private static let kilobyte = 1024

    /// The bytes of a field: `Pss:` of `smaps_rollup`, `VmHWM:` of `status`; nil where Linux does not say.
    package static func bytes(_ file: String, _ field: String) -> Int? {
      lines(file).first { $0.hasPrefix(field) }.flatMap(value)
    }

    /// The lines of a file; none of a file that cannot be read.
    package static func lines(_ file: String) -> [Substring] {
      // Read to its end, since its size is not known before.
      let text = try? FileHandle(forReadingFrom: URL(fileURLWithPath: "/proc/self/\(file)")).readToEnd()
      return String(decoding: text ?? Data(), as: UTF8.self).split(separator: "\n")
    }

    /// How many entries a folder has: `fd`, `task`.
    package static func count(_ folder: String) -> Int {
      (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/\(folder)"))?.count ?? 0
    }

    /// Bytes of the heap that are in use.
    package static var heapBytes: Int { Int(clamping: mvmoe_heap_bytes()) }

    /// The bytes of a line `Name:   123 kB`; nil for another one.
    static func value(_ line: Substring) -> Int? {
      guard line.hasSuffix(" kB"), let colon = line.firstIndex(of: ":") else { return nil }
      return Int(line[line.index(after: colon)...].dropLast(3).drop(while: \.isWhitespace)).map { $0 * kilobyte }
    }
  }
#endif
