package io.github.mvmoe.android.phone

import android.content.Context
import io.github.mvmoe.android.ANSWER_BUNDLE
import io.github.mvmoe.android.EnvironmentShadow
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertFalse

/** The check of phones where there is none: what it says of a machine that has one of the engines. */
@RunWith(RobolectricTestRunner::class)
@Config(shadows = [EnvironmentShadow::class])
class PhoneCheckTest {
    @get:Rule
    val folder = TemporaryFolder()
    private val context: Context = RuntimeEnvironment.getApplication()

    @Test
    fun `each thing has a line, and what is missing fails`() {
        val lines = ArrayList<String>()
        assertFalse(PhoneCheck(context, folder.root, lines::add).run(listOf(ANSWER_BUNDLE)))
        val said = lines.associate { it.drop(8).substringBefore(": ") to it.take(6).trim() }
        val wanted =
            mapOf(
                "environment" to "ok",
                "bitmaps" to "ok",
                "pictures" to "ok",
                "thermal state" to "ok",
                "installation of dispatch" to "ok",
                "dispatch on ONNX Runtime, CPU" to "ok",
                "dispatch on ONNX Runtime, XNNPACK" to "FAILED",
                "dispatch on ONNX Runtime, NNAPI" to "FAILED",
                "dispatch on ExecuTorch" to "ok",
            )
        assertEquals(wanted, said)
        assertContains(lines.single { "Runtime, CPU" in it }, "the engine answers as the bundle's golden vectors")
        assertContains(lines.single { "ExecuTorch" in it }, "left out: bundle ")
        assertContains(lines.single { "NNAPI" in it }, "this build of ONNX Runtime has CPU")
    }
}
