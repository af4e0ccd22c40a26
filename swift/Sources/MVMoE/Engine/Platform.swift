/// What native libraries of this process have to be made for, in words: `iOS arm64`, `Linux x86_64`.
func platform() -> String { "\(systemName) \(architecture)" }

private var systemName: String {
  #if targetEnvironment(simulator)
    "the simulator of iOS"
  #elseif targetEnvironment(macCatalyst)
    "Mac Catalyst"
  #elseif os(iOS)
    "iOS"
  #elseif os(macOS)
    "macOS"
  #elseif os(Linux)
    "Linux"
  #else
    "this system"
  #endif
}

private var architecture: String {
  #if arch(arm64)
    "arm64"
  #elseif arch(x86_64)
    "x86_64"
  #else
    "with another processor"
  #endif
}
