package io.github.mvmoe.demo.model

import android.content.Context
import io.github.mvmoe.EngineException
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.bundle.Target
import io.github.mvmoe.demo.testing.await
import io.github.mvmoe.demo.testing.requireDemoBundle
import io.github.mvmoe.engine.Engine
import io.github.mvmoe.engine.Runner
import kotlinx.coroutines.MainScope
import kotlinx.coroutines.cancel
import org.junit.After
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import java.io.File
import kotlin.test.assertEquals
import kotlin.test.assertNotNull
import kotlin.test.assertNull

@RunWith(RobolectricTestRunner::class)
class ModelStoreTest {
    private val context: Context = RuntimeEnvironment.getApplication()
    private val scope = MainScope()

    @Before
    fun requireBundle() {
        requireDemoBundle()
    }

    @After
    fun end(): Unit = scope.cancel()

    /** An engine of which the phone's ABI has no library. */
    private object NoLibrary : Engine {
        override val format = "onnx"

        override fun open(
            root: File,
            target: Target,
        ): Runner = throw EngineException(ErrorCode.ENGINE_UNSUPPORTED_PLATFORM, "ONNX Runtime has no library for this ABI")
    }

    @Test
    fun `the app's own bundle is opened, with the target of all experts beside it`() {
        val store = ModelStore(context, scope)
        store.start()
        await("the model is open") { store.state.value.model != null }
        val model = assertNotNull(store.state.value.model)
        assertEquals("dispatch", model.routed.target.strategy)
        assertEquals("all-experts", model.allExperts?.target?.strategy)
        assertNull(model.withoutAllExperts)
        model.close()
    }

    @Test
    fun `a library that the phone's ABI lacks is one sentence`() {
        val store = ModelStore(context, scope) { NoLibrary }
        store.start()
        await("the bundle is refused") { store.state.value.error != null }
        assertEquals("ONNX Runtime has no library for this ABI", store.state.value.error)
        assertNull(store.state.value.model)
    }

    @Test
    fun `of two bundles that are opened at once the last one stays`() {
        val store = ModelStore(context, scope)
        repeat(3) { store.openOwn() }
        await("a model is open") { store.state.value.run { model != null && !isOpening } }
        assertNull(store.state.value.error)
        store.state.value.model
            ?.close()
    }
}
