package io.github.mvmoe.engine

/** What native libraries of this process have to be made for, in words: `the ABI arm64-v8a`, `Linux amd64`. */
internal fun platform(property: (String) -> String? = System::getProperty): String {
    val architecture = property("os.arch").orEmpty()
    if (property("java.vendor") == "The Android Project") return "the ABI ${abi(architecture)}"
    return "${property("os.name")} $architecture"
}

/** Android's name of an architecture, which is that of the folder with its libraries in an app. */
private fun abi(architecture: String): String =
    when {
        architecture == "aarch64" -> "arm64-v8a"
        architecture.startsWith("arm") -> "armeabi-v7a"
        architecture == "i686" -> "x86"
        else -> architecture
    }
