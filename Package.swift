// swift-tools-version: 6.0

import PackageDescription

let package = Package(
  name: "mvmoe-deploy",
  platforms: [.iOS(.v17), .macOS(.v14)],
  products: [
    .library(name: "MVMoE", targets: ["MVMoE"]),
    .library(name: "MVMoECoreML", targets: ["MVMoECoreML"]),
  ],
  targets: [
    .target(name: "MVMoE", path: "swift/Sources/MVMoE", resources: [.copy("PrivacyInfo.xcprivacy")]),
    .target(name: "MVMoECoreML", dependencies: ["MVMoE"], path: "swift/Sources/MVMoECoreML"),
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
  // What stands in for Core ML computes with it.
  package.targets.first { $0.name == "MVMoECoreMLTests" }?.dependencies.append("MVMoEONNX")
#endif
