// swift-tools-version: 6.0

import PackageDescription

let package = Package(
  name: "mvmoe-deploy",
  defaultLocalization: "en",
  platforms: [.iOS(.v17), .macOS(.v14)],
  products: [
    .library(name: "MVMoE", targets: ["MVMoE"]),
    .library(name: "MVMoECoreML", targets: ["MVMoECoreML"]),
    .library(name: "MVMoEBench", targets: ["MVMoEBench"]),
  ],
  targets: [
    .target(name: "MVMoE", path: "swift/Sources/MVMoE", resources: [.copy("PrivacyInfo.xcprivacy")]),
    .target(name: "MVMoECoreML", dependencies: ["MVMoE"], path: "swift/Sources/MVMoECoreML"),
    // What Swift cannot ask the system for by itself.
    .target(name: "CProcessFacts", path: "swift/Sources/CProcessFacts"),
    .target(name: "MVMoEBench", dependencies: ["MVMoE", "CProcessFacts"], path: "swift/Sources/MVMoEBench"),
    .testTarget(name: "MVMoETests", dependencies: ["MVMoE"], path: "swift/Tests/MVMoETests"),
    .testTarget(
      name: "MVMoECoreMLTests", dependencies: ["MVMoECoreML"], path: "swift/Tests/MVMoECoreMLTests"),
  ],
  swiftLanguageModes: [.v6]
)

#if !canImport(CryptoKit)
  // SHA-256 of OpenSSL, where there is no CryptoKit.
  package.targets.append(.systemLibrary(name: "CSystemCrypto", path: "swift/Sources/CSystemCrypto"))
  package.targets.first { $0.name == "MVMoE" }?.dependencies.append("CSystemCrypto")
#endif

#if os(Linux)
  // ONNX Runtime of the system (Debian: libonnxruntime-dev). For Apple's systems the same sources are a package of their own,
  // swift/extras/MVMoEONNX, because ONNX Runtime is a remote dependency there.
  package.products.append(.library(name: "MVMoEONNX", targets: ["MVMoEONNX"]))
  package.targets += [
    .target(
      name: "COnnxRuntime", path: "swift/extras/MVMoEONNX/Sources/COnnxRuntime",
      linkerSettings: [.linkedLibrary("onnxruntime")]),
    .target(
      name: "MVMoEONNX", dependencies: ["MVMoE", "COnnxRuntime"], path: "swift/extras/MVMoEONNX/Sources/MVMoEONNX"),
    .testTarget(name: "MVMoEONNXTests", dependencies: ["MVMoEONNX"], path: "swift/Tests/MVMoEONNXTests"),
  ]
  // ExecuTorch is on Apple's systems alone: here its engine is built over none, for its tests.
  package.targets += [
    .target(
      name: "MVMoEExecuTorch", dependencies: ["MVMoE"], path: "swift/extras/MVMoEExecuTorch/Sources/MVMoEExecuTorch"),
    .testTarget(
      name: "MVMoEExecuTorchTests", dependencies: ["MVMoEExecuTorch", "MVMoEONNX"],
      path: "swift/Tests/MVMoEExecuTorchTests"),
  ]
  // The iOS demo's logic, which is a package of its own for Xcode: here it is tested over ONNX Runtime. The program is what the
  // app measures, without a screen: tests let it be the app of a phone.
  package.targets += [
    .target(
      name: "DemoLogic", dependencies: ["MVMoE", "MVMoEBench"], path: "ios_demo/Logic/Sources/DemoLogic",
      resources: [.process("Texts")]),
    .executableTarget(
      name: "demo-bench", dependencies: ["DemoLogic", "MVMoEBench", "MVMoEONNX"],
      path: "ios_demo/Logic/Sources/demo-bench"),
    .testTarget(
      name: "DemoLogicTests", dependencies: ["DemoLogic", "MVMoEONNX"], path: "ios_demo/Logic/Tests/DemoLogicTests"),
  ]
  // What stands in for Core ML computes with it.
  package.targets.first { $0.name == "MVMoECoreMLTests" }?.dependencies.append("MVMoEONNX")
  let runnersEngine = "MVMoEONNX"
#else
  let runnersEngine = "MVMoECoreML"
#endif

// What `mvmoe bench --device swift` starts: a program of this checkout alone.
package.targets += [
  .executableTarget(
    name: "mvmoe-runner", dependencies: ["MVMoE", "MVMoEBench", .byName(name: runnersEngine)],
    path: "swift/Sources/mvmoe-runner"),
  .testTarget(
    name: "MVMoEBenchTests", dependencies: ["MVMoEBench", "mvmoe-runner", .byName(name: runnersEngine)],
    path: "swift/Tests/MVMoEBenchTests"),
]
