package io.github.mvmoe.android

import android.content.Context
import android.system.Os
import io.github.mvmoe.EngineException
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.bundle.Target
import io.github.mvmoe.engine.Engine
import io.github.mvmoe.engine.Runner
import kotlinx.coroutines.runBlocking
import org.junit.Assert.assertThrows
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import org.robolectric.annotation.Implementation
import org.robolectric.annotation.Implements
import java.io.File
import kotlin.test.assertEquals

/** An environment; Robolectric's own forgets what is set. */
@Implements(Os::class)
class EnvironmentShadow {
    companion object {
        private val variables = HashMap<String, String>()

        @JvmStatic
        @Implementation
        fun setenv(
            name: String,
            value: String,
            overwrite: Boolean,
        ) {
            if (overwrite || name !in variables) variables[name] = value
        }

        @JvmStatic
        @Implementation
        fun getenv(name: String): String? = variables[name]
    }
}

/** What the environment says when an engine starts. */
@RunWith(RobolectricTestRunner::class)
@Config(shadows = [EnvironmentShadow::class])
class TelemetryTest {
    private val context: Context = RuntimeEnvironment.getApplication()

    private class Looks : Engine {
        val found = ArrayList<String?>()
        override val format = "onnx"

        override fun open(
            root: File,
            target: Target,
        ): Runner {
            found += Os.getenv(Telemetry.VARIABLE)
            throw EngineException(ErrorCode.ENGINE_UNSUPPORTED_PLATFORM, "no engine")
        }
    }

    @Test
    fun `it is switched off before an engine starts`() {
        val engine = Looks()
        Os.setenv(Telemetry.VARIABLE, "0", true)
        assertThrows(EngineException::class.java) { AndroidDispatchers.open(context, ANSWER_BUNDLE, engine) }
        Os.setenv(Telemetry.VARIABLE, "0", true)
        assertThrows(EngineException::class.java) { runBlocking { AndroidDispatchers.openAsync(context, ANSWER_BUNDLE, engine) } }
        assertEquals(listOf<String?>("1", "1"), engine.found)
    }
}
