package io.github.mvmoe.runner.bench

import com.fasterxml.jackson.annotation.JsonIgnore
import com.fasterxml.jackson.annotation.JsonPropertyOrder

/** A line of a results file (`docs/results.schema.json`); times are nanoseconds, sizes bytes. */
@JsonPropertyOrder("kind")
internal sealed interface Line {
    val kind: String
}

/** A subject was made ready, and which engine it really got. */
internal data class Opened(
    val job: String,
    val subject: String,
    val repeat: Int,
    val actual: EngineChoice,
    val openNs: Long,
) : Line {
    override val kind: String get() = "opened"
}

/** One warm answer. */
internal data class Sample(
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
    override val kind: String get() = "sample"
}

/** What a subject answered to an image. */
internal data class Answer(
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
    override val kind: String get() = "answer"
}

/** A process of its own, from its start to its first answer. */
internal data class Start(
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
    override val kind: String get() = "start"
}

/** A graph that came into memory. */
internal data class Load(
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
    override val kind: String get() = "load"
}

/** One answer of a sequence of images, with room for so many experts. */
internal data class Stream(
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
    override val kind: String get() = "stream"
}

/** Two answers to one image: by the route before, and by another one. */
internal data class Change(
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
    override val kind: String get() = "change"
}

/** What a process of its own held. */
internal data class Memory(
    val job: String,
    val subject: String,
    val repeat: Int,
    val memoryOf: String,
    val budget: Int?,
    val base: Held,
    val loaded: Held,
    val peakRss: Long?,
    val released: Held,
) : Line {
    override val kind: String get() = "memory"
}

/** A subject that failed; the others went on. */
internal data class Failure(
    val job: String,
    val subject: String?,
    val message: String,
) : Line {
    override val kind: String get() = "failure"
}

/** Where one answer's time went; one entry a routed stage in the lists. */
internal data class Laps(
    val stem: Long,
    val select: List<Long>,
    val load: List<Long>,
    val expert: List<Long>,
    val rest: Long,
) {
    /** All of it. */
    @get:JsonIgnore
    val total: Long get() = stem + select.sum() + load.sum() + expert.sum() + rest
}

/** What a process held at one moment; the parts are null where the system does not tell them apart. */
internal data class Held(
    val total: Long,
    val anonymous: Long?,
    val bundleFiles: Long?,
)
