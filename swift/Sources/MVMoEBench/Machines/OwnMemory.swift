#if os(Linux)
  import Foundation

  /// What Linux says of this process's memory: anonymous memory, and the pages of the subject's own files that it maps.
  ///
  /// Pages of other files, such as shared libraries, are left out: other processes map them too. A page that is mapped twice
  /// is counted twice, which the engines of this library do not do.
  struct OwnMemory {
    private var anonymous = 0
    private var files = 0

    /// What lines of `smaps` say, of a bundle in a directory without links.
    init(_ lines: some Sequence<Substring>, bundle: String) {
      let folder = bundle.hasSuffix("/") ? bundle : bundle + "/"
      var isOwn = false
      for line in lines {
        if let bytes = ProcFiles.value(line) {
          add(line.prefix { $0 != ":" }, bytes, isOwn)
        } else {
          isOwn = line.contains(folder)
        }
      }
    }

    /// At this moment.
    static func held(bundle: URL) -> Held {
      OwnMemory(ProcFiles.lines("smaps"), bundle: bundle.resolvingSymlinksInPath().path).held
    }

    var held: Held { Held(total: anonymous + files, anonymous: anonymous, bundleFiles: files) }

    private mutating func add(_ field: Substring, _ bytes: Int, _ isOwn: Bool) {
      switch field {
      case "Rss": if isOwn { files += bytes }
      case "Anonymous":
        anonymous += bytes
        // Written copies of a file's pages are in its resident set, too.
        if isOwn { files -= bytes }
      case "Swap", "Private_Hugetlb", "Shared_Hugetlb": anonymous += bytes
      case "LazyFree": anonymous -= bytes
      default: break
      }
    }
  }
#endif
