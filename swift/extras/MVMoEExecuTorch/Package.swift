// swift-tools-version: 6.0

import PackageDescription

// A package of its own, since ExecuTorch has its releases as branches: no package that is required by a version may depend on
// it. The app links with `-all_load`, and adds the delegates and kernels that its bundles use.
let package = Package(
  name: "MVMoEExecuTorch",
  platforms: [.iOS(.v17), .macOS(.v14)],
  products: [.library(name: "MVMoEExecuTorch", targets: ["MVMoEExecuTorch"])],
  dependencies: [
    .package(name: "mvmoe-deploy", path: "../../.."),
    .package(url: "https://github.com/pytorch/executorch.git", branch: "swiftpm-1.4.1"),
  ],
  targets: [
    .target(
      name: "MVMoEExecuTorch",
      dependencies: [
        .product(name: "MVMoE", package: "mvmoe-deploy"),
        .product(name: "executorch", package: "executorch"),
      ])
  ],
  swiftLanguageModes: [.v6]
)
