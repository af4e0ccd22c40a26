// swift-tools-version: 6.0

import PackageDescription

// For Apple's systems: ONNX Runtime comes as a binary there. On Linux the package of the repository has the same targets,
// over the system's library.
let package = Package(
  name: "MVMoEONNX",
  platforms: [.iOS(.v17), .macOS(.v14)],
  products: [.library(name: "MVMoEONNX", targets: ["MVMoEONNX"])],
  dependencies: [
    .package(name: "mvmoe-deploy", path: "../../.."),
    .package(url: "https://github.com/microsoft/onnxruntime-swift-package-manager", from: "1.24.2"),
  ],
  targets: [
    .target(
      name: "COnnxRuntime",
      dependencies: [.product(name: "onnxruntime", package: "onnxruntime-swift-package-manager")]),
    .target(
      name: "MVMoEONNX",
      dependencies: [.product(name: "MVMoE", package: "mvmoe-deploy"), "COnnxRuntime"]),
  ],
  swiftLanguageModes: [.v6]
)
