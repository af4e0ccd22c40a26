package io.github.mvmoe.api

import org.jetbrains.kotlin.abi.tools.AbiFilters
import org.jetbrains.kotlin.abi.tools.AbiTools
import org.junit.jupiter.api.io.TempDir
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource
import java.io.File
import kotlin.test.fail

/** An API changes only on purpose: in a commit that changes its listing. */
class ApiListingTest {
    private val modules = File(System.getProperty("mvmoe.repository"), "kotlin").canonicalFile

    @TempDir
    lateinit var directory: File

    @ParameterizedTest
    @ValueSource(strings = ["mvmoe-core", "mvmoe-onnx", "mvmoe-executorch", "mvmoe-android", "mvmoe-bench"])
    fun `a module's API is that of its listing`(module: String) {
        val listed = modules.resolve("$module/api/$module.api")
        val built = directory.resolve("$module.api").apply { writeText(apiOf(module)) }
        if (System.getProperty("api.write").toBoolean()) built.copyTo(listed, overwrite = true)
        val difference = AbiTools.getInstance().filesDiff(listed, built)
        if (difference != null) fail("the public API of $module is not as listed; if this is meant, run `make kotlin-api`:\n$difference")
    }

    /** Every public class and member, as Kotlin's own tool prints it. */
    private fun apiOf(module: String): String {
        val classes = modules.resolve("$module/target/classes").walk().filter { it.extension == "class" }
        return StringBuilder().also { AbiTools.getInstance().printJvmDump(it, classes.asIterable(), AbiFilters.EMPTY) }.toString()
    }
}
