import Foundation
import Testing

@testable import MVMoE

/// `tests/conformance/bundles`: every valid bundle is read as it says, every other refused with its code.
@Suite struct BundleConformanceTests {
  @Test(arguments: [
    "minimal", "single", "two-stages", "other-rules", "given-routes", "finishing", "every-kind", "torchvision", "bound",
    "inner-routers", "compressed",
  ])
  func whatIsReadOfAValidBundle(_ name: String) throws {
    let read = try BundleWorkplace().edited(name) { root in
      let bundle = try ModelBundle.open(root)
      try bundle.verify()
      return summary(bundle.manifest)
    }
    #expect(try read.canonical == BundlesSuite.valid()[name]?.read.canonical)
  }

  @Test(arguments: BundlesSuite.files)
  func theCodeOfEveryCase(_ file: String) throws {
    let place = BundleWorkplace()
    for bundleCase in try BundlesSuite.cases(of: file) {
      let code = try place.edited(bundleCase.bundle, bundleCase.edits) { root in
        refusalCode { try ModelBundle.open(root).verify() }
      }
      #expect(code == bundleCase.code, "\(bundleCase.name)")
    }
  }

  @Test(arguments: BundleReader.wrong) func aReaderThatLacksSomethingIsNoticed(_ reader: BundleReader) throws {
    #expect(try isWrong(reader))
  }

  @Test func theStepsOfAReaderAreThoseOfTheLibrary() throws { #expect(try !isWrong(BundleReader("all steps"))) }

  /// Whether the suite refuses a reader.
  private func isWrong(_ reader: BundleReader) throws -> Bool {
    let place = BundleWorkplace()
    let isMisread = try BundlesSuite.valid().values.contains { bundle in
      try place.edited(bundle.name) { (try? reader.read($0).canonical) != bundle.read.canonical }
    }
    // The cases of fields are as many as all others together.
    return try isMisread
      || (BundlesSuite.files.filter { $0 != "fields" } + ["fields"]).contains { file in
        try BundlesSuite.cases(of: file).contains { bundleCase in
          try place.edited(bundleCase.bundle, bundleCase.edits) { root in
            refusalCode { try reader.read(root) } != bundleCase.code
          }
        }
      }
  }

  @Test func noFileAndNoCaseIsLeftOut() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: BundlesSuite.folder.path)
    #expect(Set(files) == Set((BundlesSuite.files + ["valid"]).map { "\($0).json" }))
    let cases = try BundlesSuite.files.flatMap(BundlesSuite.cases)
    #expect(cases.count > 1800)
    #expect(cases.count { $0.code == nil } > 100)
    #expect(Set(cases.compactMap(\.code)).isSubset(of: ErrorCode.allCases.map(\.rawValue)))
    #expect(try BundlesSuite.valid().count == 13)
  }
}

/// The code with which something is refused; nil where it is not. What is thrown but an error of this library is told by its
/// description.
func refusalCode<Result>(_ work: () throws -> Result) -> String? {
  do {
    _ = try work()
    return nil
  } catch {
    return (error as? MVMoEError)?.code.rawValue ?? "\(error)"
  }
}
