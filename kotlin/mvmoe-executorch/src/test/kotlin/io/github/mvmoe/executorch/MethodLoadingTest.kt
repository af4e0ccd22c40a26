package io.github.mvmoe.executorch

import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import kotlin.test.assertEquals

/** The two forms that `Module.loadMethod` has in releases of executorch-android. */
internal class MethodLoadingTest {
    class ReturnsAnError {
        fun loadMethod(name: String): Int = name.length
    }

    class Throws {
        fun loadMethod(name: String) {
            if (name.isNotEmpty()) throw IllegalArgumentException(name)
        }
    }

    private fun call(
        module: Any,
        method: String,
    ) = MethodLoading.call(module.javaClass.getMethod("loadMethod", String::class.java), module, method)

    @Test
    fun `an error's number is given back`() {
        assertEquals(0, call(ReturnsAnError(), ""))
        assertEquals(4, call(ReturnsAnError(), "stem"))
    }

    @Test
    fun `what is thrown is thrown as it is`() {
        assertEquals(0, call(Throws(), ""))
        assertEquals("stem", assertThrows<IllegalArgumentException> { call(Throws(), "stem") }.message)
    }
}
