// swift-tools-version: 6.0

import PackageDescription

// State and logic of the demo's screens, without a view: tests on Linux run it over ONNX Runtime, the app over Core ML.
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
      resources: [.process("en.lproj")]),
    .testTarget(name: "DemoLogicTests", dependencies: ["DemoLogic"]),
  ],
  swiftLanguageModes: [.v6]
)

#if os(Linux)
  // What stands in for Core ML in tests.
  let standIn = Target.Dependency.product(name: "MVMoEONNX", package: "mvmoe-deploy")
  package.targets.first { $0.name == "DemoLogicTests" }?.dependencies.append(standIn)
  // What the app measures, as a program without a screen: tests let it be the app of a phone.
  package.targets.append(
    .executableTarget(
      name: "demo-bench",
      dependencies: ["DemoLogic", .product(name: "MVMoEBench", package: "mvmoe-deploy"), standIn]))
#endif
