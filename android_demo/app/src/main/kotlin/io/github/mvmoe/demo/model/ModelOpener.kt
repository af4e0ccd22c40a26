package io.github.mvmoe.demo.model

import android.content.Context
import io.github.mvmoe.Dispatcher
import io.github.mvmoe.MvmoeException
import io.github.mvmoe.OpenOptions
import io.github.mvmoe.android.AndroidDispatchers
import io.github.mvmoe.bundle.Target
import io.github.mvmoe.demo.R
import io.github.mvmoe.engine.Engine
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.runInterruptible
import java.io.File

/** Opens an installed bundle: the target that routes, and beside it the one that computes all experts, if there is one. */
internal class ModelOpener(
    private val context: Context,
    private val engine: () -> Engine,
) {
    /**
     * @throws MvmoeException for a bundle that cannot be used here: it is damaged, lacks a target for the engine, or the engine lacks
     * a library for this phone's ABI or does not answer as the bundle's golden vectors.
     */
    suspend fun open(folder: File): OpenModel {
        val routed = dispatcher(folder, OpenOptions())
        var model: OpenModel? = null
        try {
            return withAllExperts(folder, routed).also { model = it }
        } finally {
            if (model == null) routed.close()
        }
    }

    private suspend fun withAllExperts(
        folder: File,
        routed: Dispatcher,
    ): OpenModel {
        val name = routed.bundle.manifest.model.name
        val target = allExperts(routed) ?: return OpenModel(folder, name, routed, null, context.getString(R.string.no_all_experts))
        return try {
            OpenModel(folder, name, routed, dispatcher(folder, OpenOptions(target = target.name)), null)
        } catch (refused: MvmoeException) {
            OpenModel(folder, name, routed, null, refused.message)
        }
    }

    /** The one of the same format, if somebody has exported it and nobody has left it out. */
    private fun allExperts(routed: Dispatcher): Target? {
        val targets = routed.bundle.manifest.targets - routed.bundle.removedTargets().keys
        return targets.values.firstOrNull {
            it.format == routed.target.format && it.strategy == ALL_EXPERTS && it.name != routed.target.name
        }
    }

    /** Checked on the golden images: an engine that answers wrongly is refused here, not noticed by the user. */
    private suspend fun dispatcher(
        folder: File,
        options: OpenOptions,
    ): Dispatcher {
        val opened = AndroidDispatchers.openAsync(context, folder, engine(), options = options)
        try {
            runInterruptible(Dispatchers.IO) {
                opened.check().requireOk()
                // The golden images took all routes: from here on an expert is loaded when one of the user's images needs it.
                opened.trim()
            }
            return opened
        } catch (failure: Throwable) {
            opened.close()
            throw failure
        }
    }

    private companion object {
        const val ALL_EXPERTS = "all-experts"
    }
}
