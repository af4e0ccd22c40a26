package io.github.mvmoe.bench

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.engine.GraphPlacement

/** A line of a results file (`docs/results.schema.json`); times are nanoseconds, sizes bytes. */
internal interface Line : Encodable

/** A subject was made ready, and which engine it really got. */
internal class Opened(
    val job: String,
    val subject: String,
    val repeat: Int,
    val actual: EngineChoice,
    val openNs: Long,
) : Line {
    override fun fields(): Map<String, Any?> =
        linkedMapOf(
            "kind" to "opened",
            "job" to job,
            "subject" to subject,
            "repeat" to repeat,
            "actual" to actual,
            "open_ns" to openNs,
        )
}

/** One warm answer. */
internal class Sample(
    val job: String,
    val subject: String,
    val repeat: Int,
    val round: Int,
    val position: Int,
    val image: Int,
    val routes: Routes?,
    val forced: Boolean,
    val ns: Long,
    val cpuNs: Long?,
    val laps: Laps?,
) : Line {
    override fun fields(): Map<String, Any?> =
        linkedMapOf(
            "kind" to "sample",
            "job" to job,
            "subject" to subject,
            "repeat" to repeat,
            "round" to round,
            "position" to position,
            "image" to image,
            "routes" to routes,
            "forced" to forced,
            "ns" to ns,
            "cpu_ns" to cpuNs,
            "laps" to laps,
        )
}

/** Where an engine runs the operators of a graph, as it says itself. */
internal class PlacementLine(
    val job: String,
    val subject: String,
    val graph: String,
    val placement: GraphPlacement,
) : Line {
    override fun fields(): Map<String, Any?> =
        linkedMapOf(
            "kind" to "placement",
            "job" to job,
            "subject" to subject,
            "graph" to graph,
            "by_unit" to placement.byUnit,
            "cost_by_unit" to null,
            "outside" to placement.outside,
        )
}

/** What a subject answered to an image. */
internal class Answer(
    val job: String,
    val subject: String,
    val image: Int,
    val name: String,
    val label: String?,
    val routes: Routes?,
    val answer: Int?,
    val maxAbsError: Double?,
    val maxRelError: Double?,
) : Line {
    override fun fields(): Map<String, Any?> =
        linkedMapOf(
            "kind" to "answer",
            "job" to job,
            "subject" to subject,
            "image" to image,
            "name" to name,
            "label" to label,
            "routes" to routes,
            "answer" to answer,
            "max_abs_error" to maxAbsError,
            "max_rel_error" to maxRelError,
        )
}

/** A process of its own, from its start to its first answer. */
internal class Start(
    val job: String,
    val subject: String,
    val repeat: Int,
    val processNs: Long,
    val engineImportNs: Long,
    val codeImportNs: Long,
    val parseNs: Long?,
    val hashNs: Long?,
    val openNs: Long,
    val firstNs: Long,
    val firstLaps: Laps?,
) : Line {
    override fun fields(): Map<String, Any?> =
        linkedMapOf(
            "kind" to "start",
            "job" to job,
            "subject" to subject,
            "repeat" to repeat,
            "process_ns" to processNs,
            "engine_import_ns" to engineImportNs,
            "code_import_ns" to codeImportNs,
            "parse_ns" to parseNs,
            "hash_ns" to hashNs,
            "open_ns" to openNs,
            "first_ns" to firstNs,
            "first_laps" to firstLaps,
        )
}

/** A graph that came into memory. */
internal class Load(
    val job: String,
    val subject: String,
    val repeat: Int,
    val graph: String,
    val stage: Int,
    val route: List<Int>?,
    val loadNs: Long,
    val firstNs: Long?,
    val warmNs: Long?,
) : Line {
    override fun fields(): Map<String, Any?> =
        linkedMapOf(
            "kind" to "load",
            "job" to job,
            "subject" to subject,
            "repeat" to repeat,
            "graph" to graph,
            "stage" to stage,
            "route" to route,
            "load_ns" to loadNs,
            "first_ns" to firstNs,
            "warm_ns" to warmNs,
        )
}

/** One answer of a sequence of images, with room for so many experts. */
internal class Stream(
    val job: String,
    val subject: String,
    val repeat: Int,
    val budget: Int?,
    val number: Int,
    val image: Int,
    val routes: Routes,
    val cold: List<Boolean>,
    val switched: List<Boolean>,
    val ns: Long,
    val laps: Laps,
) : Line {
    override fun fields(): Map<String, Any?> =
        linkedMapOf(
            "kind" to "stream",
            "job" to job,
            "subject" to subject,
            "repeat" to repeat,
            "budget" to budget,
            "number" to number,
            "image" to image,
            "routes" to routes,
            "cold" to cold,
            "switched" to switched,
            "ns" to ns,
            "laps" to laps,
        )
}

/** Two answers to one image: by the route before, and by another one. */
internal class Change(
    val job: String,
    val subject: String,
    val repeat: Int,
    val budget: Int?,
    val round: Int,
    val image: Int,
    val before: Routes,
    val routes: Routes,
    val first: Boolean,
    val dropped: Boolean,
    val same: Laps,
    val changed: Laps,
    val readNs: Long?,
) : Line {
    override fun fields(): Map<String, Any?> =
        linkedMapOf(
            "kind" to "change",
            "job" to job,
            "subject" to subject,
            "repeat" to repeat,
            "budget" to budget,
            "round" to round,
            "image" to image,
            "before" to before,
            "routes" to routes,
            "first" to first,
            "dropped" to dropped,
            "same" to same,
            "changed" to changed,
            "read_ns" to readNs,
        )
}

/** What a process of its own held. */
internal class Memory(
    val job: String,
    val subject: String,
    val repeat: Int,
    val memoryOf: String,
    val budget: Int?,
    val base: Held,
    val loaded: Held,
    val peakRss: Long?,
    val released: Held,
    /** The largest proportional set size after any answer: for those who watch, no part of the line. */
    val peakPss: Long?,
) : Line {
    override fun fields(): Map<String, Any?> =
        linkedMapOf(
            "kind" to "memory",
            "job" to job,
            "subject" to subject,
            "repeat" to repeat,
            "memory_of" to memoryOf,
            "budget" to budget,
            "base" to base,
            "loaded" to loaded,
            "peak_rss" to peakRss,
            "released" to released,
        )
}

/** A subject that failed; the others went on. */
internal class Failure(
    val job: String,
    val subject: String?,
    val message: String,
    /** Of `docs/errors.md`, where what failed has one. */
    val code: ErrorCode?,
) : Line {
    override fun fields(): Map<String, Any?> =
        linkedMapOf(
            "kind" to "failure",
            "job" to job,
            "subject" to subject,
            "message" to message,
            "code" to code?.id,
        )
}

/** Where one answer's time went; one entry a routed stage in the lists. */
internal class Laps(
    val stem: Long,
    val select: List<Long>,
    val load: List<Long>,
    val expert: List<Long>,
    val rest: Long,
) : Encodable {
    /** All of it. */
    val total: Long get() = stem + select.sum() + load.sum() + expert.sum() + rest

    override fun fields(): Map<String, Any?> =
        linkedMapOf("stem" to stem, "select" to select, "load" to load, "expert" to expert, "rest" to rest)
}

/** Some seconds of answers without a pause. */
internal class Sustained(
    val job: String,
    val subject: String,
    val repeat: Int,
    /** The end of these seconds, since the first answer. */
    val atNs: Long,
    val answers: Int,
    val medianNs: Long,
    val slowestNs: Long,
    val thermal: Thermal?,
    val pss: Long?,
) : Line {
    override fun fields(): Map<String, Any?> =
        linkedMapOf(
            "kind" to "sustained",
            "job" to job,
            "subject" to subject,
            "repeat" to repeat,
            "at_ns" to atNs,
            "answers" to answers,
            "median_ns" to medianNs,
            "slowest_ns" to slowestNs,
            "thermal" to thermal?.status,
            "headroom" to thermal?.headroom,
            "pss" to pss,
        )
}

/** The answer to one frame of those that come at a fixed rate. */
internal class Paced(
    val job: String,
    val subject: String,
    val repeat: Int,
    /** Its number, by the rate, from the first that counts. */
    val frame: Long,
    val image: Int,
    /** From when the frame came to when its answer began. */
    val lateNs: Long,
    val ns: Long,
) : Line {
    override fun fields(): Map<String, Any?> =
        linkedMapOf(
            "kind" to "paced",
            "job" to job,
            "subject" to subject,
            "repeat" to repeat,
            "frame" to frame,
            "image" to image,
            "late_ns" to lateNs,
            "ns" to ns,
        )
}

/** One process's timed answers of one subject, once they came to their end. */
internal class TimedRun(
    val job: String,
    val subject: String,
    val repeat: Int,
    /** The kind of the lines that its answers are in. */
    val of: String,
    /** Answers before the first that counts. */
    val warmup: Int,
    val wallNs: Long,
    /** At the beginning. */
    val thermal: Thermal?,
) : Line {
    override fun fields(): Map<String, Any?> =
        linkedMapOf(
            "kind" to "timed",
            "job" to job,
            "subject" to subject,
            "repeat" to repeat,
            "of" to of,
            "warmup" to warmup,
            "wall_ns" to wallNs,
            "thermal" to thermal?.status,
            "headroom" to thermal?.headroom,
        )
}
