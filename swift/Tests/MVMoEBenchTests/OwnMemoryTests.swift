#if os(Linux)
  import Foundation
  import Testing

  @testable import MVMoEBench

  /// What Linux says of the process.
  @Suite struct OwnMemoryTests {
    @Test func anonymousMemoryAndTheBundlesOwnPagesCount() {
      let smaps = """
        7f00-7f10 r--p 00000000 fe:00 12 /data/bundle/weights.bin
        Rss:                  40 kB
        Anonymous:             8 kB
        VmFlags: rd mr mw me
        7f20-7f30 r-xp 00000000 fe:00 13 /data/bundle2/libother.so
        Rss:                 100 kB
        Anonymous:             4 kB
        7f40-7f50 rw-p 00000000 00:00 0 [heap]
        Rss:                  20 kB
        Anonymous:            20 kB
        Swap:                  2 kB
        LazyFree:              1 kB
        """
      let held = OwnMemory(smaps.split(separator: "\n"), bundle: "/data/bundle").held
      #expect(held.bundleFiles == 32 << 10)
      // 8, 4 and 20 that are anonymous, 2 that are swapped out, less 1 that may be taken away.
      #expect(held.anonymous == 33 << 10)
      #expect(held.total == 65 << 10)
    }

    @Test func memoryThatIsAllocatedIsHeldAndMemoryThatIsFreedIsNot() throws {
      let machine = ThisMachine()
      let folder = FileManager.default.temporaryDirectory
      _ = machine.held(bundle: folder)
      // Tests beside this one allocate and free, too.
      let size = 256 << 20
      let before = machine.held(bundle: folder).total
      let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
      memory.initializeMemory(as: UInt8.self, repeating: 1, count: size)
      let during = machine.held(bundle: folder).total
      memory.deallocate()
      let after = machine.held(bundle: folder).total
      #expect(during - before > size / 2)
      #expect(during - after > size / 2)
      #expect(try #require(machine.memory()) > 1 << 20)
      #expect(try #require(machine.peakResident()) >= during - before)
    }

    @Test func aFileOfTheBundleThatIsMappedIsHeld() throws {
      let folder = try TestFolder()
      let bytes = Data(repeating: 1, count: 8 << 20)
      try folder.write("weights.bin", bytes)
      let before = ThisMachine().held(bundle: folder.url)
      let mapped = try Data(contentsOf: folder["weights.bin"], options: .alwaysMapped)
      #expect(mapped == bytes)
      let during = ThisMachine().held(bundle: folder.url)
      #expect(before.bundleFiles == 0)
      #expect(try #require(during.bundleFiles) >= bytes.count)
      withExtendedLifetime(mapped) {}
    }

    @Test func theThreadsTimeGrowsWithItsWorkAlone() throws {
      let machine = ThisMachine()
      let start = try #require(machine.threadCPU())
      var number = 1.0
      for place in 1..<2_000_000 { number += 1 / Double(place) }
      #expect(number > 1)
      let worked = try #require(machine.threadCPU())
      Thread.sleep(forTimeInterval: 0.05)
      let slept = try #require(machine.threadCPU())
      #expect(worked > start)
      #expect(slept - worked < 20_000_000)
    }
  }
#endif
