// swift-tools-version: 6.0

import PackageDescription

// State and logic of the demo's screens, without a view, for Xcode. On Linux the package of the repository builds and tests the
// same sources, over ONNX Runtime.
let package = Package(
  name: "DemoLogic",
  defaultLocalization: "en",
  platforms: [.iOS(.v17), .macOS(.v14)],
  products: [.library(name: "DemoLogic", targets: ["DemoLogic"])],
  dependencies: [.package(name: "mvmoe-deploy", path: "../..")],
  targets: [
    .target(
      name: "DemoLogic",
      dependencies: [
        .product(name: "MVMoE", package: "mvmoe-deploy"), .product(name: "MVMoEBench", package: "mvmoe-deploy"),
      ],
      resources: [.process("Texts")])
  ],
  swiftLanguageModes: [.v6]
)
