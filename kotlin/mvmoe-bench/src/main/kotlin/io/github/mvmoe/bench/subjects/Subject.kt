package io.github.mvmoe.bench.subjects

import io.github.mvmoe.bench.EngineChoice
import io.github.mvmoe.bench.Engines
import io.github.mvmoe.bench.Images
import io.github.mvmoe.bench.Laps
import io.github.mvmoe.bench.Query
import io.github.mvmoe.bench.Routes
import io.github.mvmoe.bench.Stopwatch
import io.github.mvmoe.bench.SubjectOrder
import java.io.Closeable

/** The outputs of one image by name, `[...]` each: new arrays, as an application would get them. */
internal typealias Outputs = Map<String, FloatArray>

/** One answer, and where its time went. */
internal class Traced(
    val outputs: Outputs,
    val routes: Routes,
    /** By routed stage: whether a graph of the route was not in memory before. */
    val cold: List<Boolean>,
    val laps: Laps,
)

/** One graph that came into memory: nanoseconds of its load, first and second run. */
internal class Loaded(
    val graph: String,
    val stage: Int,
    val route: List<Int>?,
    val loadNs: Long,
    val firstNs: Long,
    val warmNs: Long,
)

/** One way to answer images, in memory and ready. */
internal interface Subject : Closeable {
    /** The engine that it really got. */
    val actual: EngineChoice

    fun answer(query: Query): Outputs

    /** One answer and its parts; null for a subject without parts. */
    fun trace(query: Query): Traced? = null

    /** Brings in what may be resident and is not yet, so that warm answers are warm. */
    fun prewarm() {}

    /** Loads the graphs that are not in memory yet, one by one. */
    fun loads(): Sequence<Loaded> = emptySequence()
}

/** As [Subject.trace], of a subject that has parts. */
internal fun Subject.traced(query: Query): Traced = trace(query) ?: error("${javaClass.simpleName} has no parts to trace")

/** How a kind of subject is made. */
internal fun interface SubjectKind {
    fun make(
        order: SubjectOrder,
        images: Images,
        engines: Engines,
        watch: Stopwatch,
    ): Subject
}
