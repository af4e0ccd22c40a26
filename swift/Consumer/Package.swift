// swift-tools-version: 6.0

import PackageDescription

// An application that has the library as a dependency: it sees what is public, and nothing else.
#if os(Linux)
  let onnxRuntime: Target.Dependency = .product(name: "MVMoEONNX", package: "mvmoe-deploy")
  let further: [Package.Dependency] = []
#else
  let onnxRuntime: Target.Dependency = .product(name: "MVMoEONNX", package: "MVMoEONNX")
  let further: [Package.Dependency] = [.package(name: "MVMoEONNX", path: "../extras/MVMoEONNX")]
#endif

let package = Package(
  name: "Consumer",
  platforms: [.macOS(.v14)],
  dependencies: [.package(name: "mvmoe-deploy", path: "../..")] + further,
  targets: [
    .executableTarget(
      name: "Consumer", dependencies: [.product(name: "MVMoE", package: "mvmoe-deploy"), onnxRuntime])
  ],
  swiftLanguageModes: [.v6]
)
