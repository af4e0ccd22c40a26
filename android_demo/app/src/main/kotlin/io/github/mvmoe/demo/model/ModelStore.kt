package io.github.mvmoe.demo.model

import android.content.Context
import android.net.Uri
import io.github.mvmoe.MvmoeException
import io.github.mvmoe.android.BundleInstaller
import io.github.mvmoe.engine.Engine
import io.github.mvmoe.onnx.OnnxEngine
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import java.io.File

/**
 * Opens the bundle of the app's assets, or one that the user picks, and replaces the one before.
 *
 * A bundle that is refused changes nothing: what was open stays open. Its functions are called on the main thread.
 */
class ModelStore(
    context: Context,
    private val scope: CoroutineScope,
    engine: () -> Engine = { OnnxEngine(threads = THREADS) },
) {
    private val installer = BundleInstaller(context)
    private val opener = ModelOpener(context, engine)
    private val choice = BundleChoice(context, installer.directory)
    private val states = MutableStateFlow(ModelState())
    private var opening: Job? = null

    /** What is open, and what is being opened. */
    val state: StateFlow<ModelState> = states.asStateFlow()

    /** Opens what was open when the process ended, or else the app's own bundle. */
    fun start() {
        val picked = choice.picked
        if (picked == null) openOwn() else open { picked }
    }

    /** Opens the bundle of the app's assets. */
    fun openOwn(): Unit = open { installer.fromAssetsAsync(OWN_BUNDLE) }

    /** Copies the bundle in a folder that the user has picked, and opens it. */
    fun openPicked(tree: Uri): Unit = open { installer.fromTreeAsync(tree, choice.freePlace()) }

    private fun open(install: suspend () -> File) {
        val earlier = opening
        states.update { it.copy(isOpening = true, error = null) }
        opening =
            scope.launch {
                // A bundle that the user no longer waits for.
                earlier?.cancelAndJoin()
                try {
                    replace(opener.open(install()))
                } catch (refused: MvmoeException) {
                    states.update { it.copy(isOpening = false, error = refused.message) }
                }
            }
    }

    private suspend fun replace(next: OpenModel) {
        val last = states.value.model
        states.value = ModelState(next)
        choice.remember(next.folder)
        withContext(Dispatchers.IO) { last?.close() }
    }

    private companion object {
        const val OWN_BUNDLE = "digits.mvmoe"

        /** Often the best on a phone, whose other cores are slower. */
        const val THREADS = 2
    }
}
