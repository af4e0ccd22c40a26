package io.github.mvmoe

import io.github.mvmoe.bundle.Bundle
import io.github.mvmoe.bundle.Target
import io.github.mvmoe.engine.Engine
import io.github.mvmoe.engine.Tensor
import io.github.mvmoe.preprocessing.PixelBuffer
import io.github.mvmoe.runtime.DispatcherCore
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.runInterruptible
import kotlinx.coroutines.withContext
import java.io.Closeable
import java.io.File
import java.nio.FloatBuffer
import kotlin.coroutines.CoroutineContext

/**
 * Answers images with a bundle's graphs: it runs the stem, selects the route on the host, and runs that route's graph alone.
 *
 * ```
 * Dispatcher.open(folder, OnnxEngine(), Residency(maxExperts = 2)).use { dispatcher ->
 *     val answer = dispatcher.run(images)
 * }
 * ```
 *
 * It may be used by any number of threads; calls run side by side, each in memory of its own. What is in memory when, and how
 * it ends, is said in `docs/dispatcher.md`. The bundle must stay as it is while it is open: an expert that would be loaded from
 * files that changed meanwhile raises [BundleReplacedException].
 *
 * **Interruption.** A call that has to load an expert, or waits for another call's load of it, throws [InterruptedException]
 * where its thread is interrupted; a load that the engine has begun is finished and kept. The functions whose names end in
 * `Async` suspend instead of blocking, and are cancelled in the same way. Closing cannot be interrupted.
 */
public class Dispatcher private constructor(
    private val core: DispatcherCore,
    private val context: CoroutineContext,
) : Closeable {
    /** The bundle that it has opened. */
    public val bundle: Bundle get() = core.bundle

    /** The target whose graphs it runs. */
    public val target: Target get() = core.target

    /** What runs the graphs, for people: the engine with its version. */
    public val engine: String get() = core.engine

    /** Where the engine runs them: an execution provider, a delegate. */
    public val provider: String get() = core.provider

    /** What to know of how it was opened, one sentence each: limits that have no effect. Usually empty. */
    public val notes: List<String> get() = core.notes

    /** The names of the graphs of single routes in memory, the least recently used first. */
    public val resident: List<String> get() = core.resident

    /**
     * Where each graph of a single route is, by its name in the manifest's order; with the strategy `bind` those that take weights.
     *
     * It changes when a graph is loaded, evicted, or fails to load, and is not touched by an image whose experts are in memory.
     */
    public val loadStates: StateFlow<Map<String, LoadState>> get() = core.loadStates

    /**
     * Limits and pins, which can be changed at any time: what is over the new ones is evicted at once, and freed when the calls
     * that use it have run it.
     *
     * Setting it throws [InputException] for a pin that names no graph (`routing.unknown-route`), and then changes nothing.
     */
    public var residency: Residency by core::residency

    /**
     * The answer for one image.
     *
     * @param pixels read until the call has ended.
     * @param choices names of routes, where the model leaves them to its caller: `mapOf("task" to "depth")`. A choice that a
     * router can make may be left out.
     * @throws ImageException for a buffer that contradicts itself (`image.buffer-...`).
     * @throws InputException for choices that the model lacks, or does not have (`routing.choice-missing`, ...), and after
     * [close] (`dispatcher.closed`).
     * @throws RoutingException for router logits, or an answer, that are not finite.
     * @throws EngineException if an expert does not load or run.
     * @throws BundleReplacedException if its files changed since the bundle was opened.
     * @throws InterruptedException see above.
     */
    @JvmOverloads
    @Throws(InterruptedException::class)
    public fun predict(
        pixels: PixelBuffer,
        choices: Map<String, String?> = emptyMap(),
    ): Prediction = core.predict(pixels, choices)

    /** As [predict], suspending. */
    public suspend fun predictAsync(
        pixels: PixelBuffer,
        choices: Map<String, String?> = emptyMap(),
    ): Prediction = runInterruptible(context) { predict(pixels, choices) }

    /**
     * The answers for preprocessed images `[B, C, H, W]`, one for each.
     *
     * Images are grouped by route, so that an expert that has to be loaded is loaded once. One image of fp32 is read where it
     * lies, if the target's graphs take one image at a time: leave it as it is until the call has ended. The dispatcher keeps a
     * reference to the tensor, so that the next call with the same one has nothing to prepare.
     *
     * @param choices those of all images, as [predict] has them.
     * @throws PartialResultException with the other images' answers, if an expert does not load or run.
     * @throws InputException for another shape or type (`input.shape`), for choices that the model lacks, or does not have
     * (`routing.choice-missing`, ...), and after [close] (`dispatcher.closed`).
     * @throws RoutingException for router logits, or answers, that are not finite.
     * @throws BundleReplacedException if files of an expert changed since the bundle was opened.
     * @throws InterruptedException see above.
     */
    @JvmOverloads
    @Throws(InterruptedException::class)
    public fun run(
        images: Tensor,
        choices: Map<String, String?> = emptyMap(),
    ): List<Answer> = core.run(images, choices)

    /** As [run] of a tensor, of numbers from place 0 to the buffer's limit, which are copied. */
    @JvmOverloads
    @Throws(InterruptedException::class)
    public fun run(
        images: FloatBuffer,
        choices: Map<String, String?> = emptyMap(),
    ): List<Answer> = core.run(images.duplicate(), choices)

    /** As [run] of a tensor, of numbers that are copied. */
    @JvmOverloads
    @Throws(InterruptedException::class)
    public fun run(
        images: FloatArray,
        choices: Map<String, String?> = emptyMap(),
    ): List<Answer> = core.run(FloatBuffer.wrap(images), choices)

    /** As [run], suspending. */
    public suspend fun runAsync(
        images: Tensor,
        choices: Map<String, String?> = emptyMap(),
    ): List<Answer> = runInterruptible(context) { run(images, choices) }

    /** As [run], suspending. */
    public suspend fun runAsync(
        images: FloatBuffer,
        choices: Map<String, String?> = emptyMap(),
    ): List<Answer> = runInterruptible(context) { run(images, choices) }

    /** As [run], suspending. */
    public suspend fun runAsync(
        images: FloatArray,
        choices: Map<String, String?> = emptyMap(),
    ): List<Answer> = runInterruptible(context) { run(images, choices) }

    /**
     * Answers the bundle's golden images with this engine, and says how far it is off.
     *
     * A phone's accelerator can answer wrongly on one device, or from its second inference on: ask after opening, and again
     * after a minute of work. [EngineCheck.requireOk] throws if the engine falls short.
     *
     * @throws BundleException if the golden vectors are damaged.
     * @throws EngineException if an expert does not load or run.
     */
    @Throws(InterruptedException::class)
    public fun check(): EngineCheck = core.check()

    /** As [check], suspending. */
    public suspend fun checkAsync(): EngineCheck = runInterruptible(context) { check() }

    /**
     * Loads pinned experts, then others by the usage prior, as many as fit, and runs each once.
     *
     * An expert that does not load is passed over: the images that need it have its error. Closing ends it after the load that
     * it is at.
     */
    @Throws(InterruptedException::class)
    public fun prewarm(): Unit = core.prewarm()

    /** As [prewarm], suspending. */
    public suspend fun prewarmAsync(): Unit = runInterruptible(context) { prewarm() }

    /**
     * Releases what is not pinned and what is spare, as under memory pressure; calls in flight go on.
     *
     * Experts that are needed later are loaded again.
     */
    public fun trim(): Unit = core.trim()

    /**
     * Lets no further call begin, waits for those in flight, and frees everything native.
     *
     * It may be called from any thread and more than once: each call waits. Where the calling thread is inside of a call of its
     * own (an observer of [loadStates] closes, say), everything is freed when that one ends.
     */
    override fun close(): Unit = core.close()

    public companion object {
        /**
         * Opens the bundle in a directory: checks its manifest and the hashes of the target's files, and loads what every image
         * runs. Experts are loaded when an image needs them.
         *
         * Links in [bundle] are followed once, here.
         *
         * @throws BundleException for a bundle that is missing or damaged, or lacks a target for the engine (`bundle.no-target`).
         * @throws EngineException if the engine does not exist here, or refuses a graph.
         * @throws InputException for a pin that names no graph (`routing.unknown-route`).
         */
        @JvmStatic
        @JvmOverloads
        @Throws(InterruptedException::class)
        public fun open(
            bundle: File,
            engine: Engine,
            residency: Residency = Residency(),
            options: OpenOptions = OpenOptions(),
        ): Dispatcher = Dispatcher(DispatcherCore.open(bundle, engine, residency, options), options.context)

        /** As [open], suspending; nothing stays open where it is cancelled. */
        public suspend fun openAsync(
            bundle: File,
            engine: Engine,
            residency: Residency = Residency(),
            options: OpenOptions = OpenOptions(),
        ): Dispatcher {
            var opened: Dispatcher? = null
            try {
                return runInterruptible(options.context) { open(bundle, engine, residency, options).also { opened = it } }
            } catch (cancellation: CancellationException) {
                withContext(NonCancellable + options.context) { opened?.close() }
                throw cancellation
            }
        }
    }
}
