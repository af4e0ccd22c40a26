#if os(Linux)
  import Foundation
  import MVMoEBench
  import MVMoEONNX

  /// What this process held when it had given so many answers; sizes are bytes.
  struct Look {
    let answers: Int
    let seconds: Double

    /// Sessions and tensors of ONNX Runtime that the engine has open.
    var sessions: Int
    var tensors: Int

    /// Files that are mapped into memory, shared libraries included.
    var mappedFiles: Int
    var openFiles: Int
    var threads: Int

    /// Of the heap, in use: what this language and ONNX Runtime have allocated and not freed.
    var heapBytes: Int

    /// Anonymous memory of the whole process, as the system gave it.
    var anonymousBytes: Int
    var residentBytes: Int

    static func take(answers: Int, seconds: Double, engine: ONNXEngine) -> Look {
      _ = ThisMachine().held(bundle: URL(fileURLWithPath: "/nowhere"))
      return Look(
        answers: answers, seconds: seconds, sessions: engine.sessionCount, tensors: engine.tensorCount,
        mappedFiles: ProcFiles.lines("maps").count { $0.contains(" /") }, openFiles: ProcFiles.count("fd"),
        threads: ProcFiles.count("task"), heapBytes: ProcFiles.heapBytes,
        anonymousBytes: ProcFiles.bytes("smaps_rollup", "Anonymous:") ?? 0,
        residentBytes: ProcFiles.bytes("smaps_rollup", "Rss:") ?? 0)
    }

    var plain: PlainData {
      [
        "answers": .integer(answers), "seconds": .number(seconds), "sessions": .integer(sessions),
        "tensors": .integer(tensors), "mappedFiles": .integer(mappedFiles), "openFiles": .integer(openFiles),
        "threads": .integer(threads), "heapBytes": .integer(heapBytes), "anonymousBytes": .integer(anonymousBytes),
        "residentBytes": .integer(residentBytes),
      ]
    }
  }
#endif
