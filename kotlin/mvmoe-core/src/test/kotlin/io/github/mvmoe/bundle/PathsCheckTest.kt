package io.github.mvmoe.bundle

import io.github.mvmoe.BundleException
import org.junit.jupiter.api.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

class PathsCheckTest {
    @Test
    fun `targets share a file of one size and hash only`() {
        val same = listOf(file(bytes = 5), file(bytes = 5))
        assertEquals(2, manifestOf(shared(same)).targets.size)
        for (other in listOf(file(bytes = 6), file(bytes = 5, digit = "1"), file(bytes = 5, path = "Shared"))) {
            val error = assertFailsWith<BundleException> { manifestOf(shared(listOf(file(bytes = 5), other))) }
            assertEquals("bundle.manifest-inconsistent", error.code.id)
        }
    }

    private fun file(
        bytes: Int,
        digit: String = "0",
        path: String = "shared",
    ) = mapOf("path" to path, "bytes" to bytes, "sha256" to digit.repeat(64))

    /** Two targets of the dense model, each with one of these files beside its own. */
    private fun shared(files: List<Map<String, Any>>): Plain {
        val manifest = plainManifest("minimal")
        val target =
            manifest["targets"]
                .asPlain()
                .values
                .single()
                .asPlain()
        manifest["targets"] =
            files.withIndex().associate { (index, file) ->
                "target$index" to target + ("files" to target["files"].asItems() + file)
            }
        return manifest
    }
}
