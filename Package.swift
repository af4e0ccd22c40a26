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
    .target(name: "MVMoE", path: "swift/Sources/MVMoE"),
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
