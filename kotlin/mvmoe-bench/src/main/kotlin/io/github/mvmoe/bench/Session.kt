package io.github.mvmoe.bench

import io.github.mvmoe.MvmoeException
import io.github.mvmoe.bench.subjects.Subject
import io.github.mvmoe.bench.subjects.subjectKind

/** One order at work: subjects that may fail, and lines that get out whatever happens. */
internal class Session(
    val order: MeasurementOrder,
    val images: Images,
    val surroundings: Surroundings,
    private val lines: LineWriter,
    private val references: (SubjectOrder) -> Reference?,
    private val atWork: (subject: SubjectOrder, isTimed: Boolean) -> Unit,
) {
    val machine: Machine get() = surroundings.machine

    /** Whether the work is to end before the next answer. */
    val isCancelled: Boolean get() = surroundings.isCancelled

    /** Keeps a line until the next flush. */
    fun emit(line: Line): Unit = lines.emit(line)

    /** Writes lines out, if some time has passed. */
    fun flush(): Unit = lines.flush()

    /**
     * What [work] gives; null if it fails, which is recorded as the subject's failure.
     *
     * @param isTimed whether others answer in turn with it, so that nothing long may be done about it.
     * @param isDecisive if not, the record names the subject in its message alone: what fails only tells of it, and it is measured further.
     */
    fun <T : Any> attempt(
        subject: SubjectOrder,
        isTimed: Boolean = false,
        isDecisive: Boolean = true,
        work: () -> T?,
    ): T? {
        atWork(subject, isTimed)
        return try {
            work()
        } catch (interrupted: InterruptedException) {
            throw interrupted
        } catch (error: Exception) {
            val message = if (isDecisive) sentence(error) else "${subject.key}: ${sentence(error)}"
            emit(Failure(order.job, subject.key.takeIf { isDecisive }, message, (error as? MvmoeException)?.code))
            null
        }
    }

    /** Makes a subject ready. */
    fun open(
        subject: SubjectOrder,
        watch: Stopwatch = Stopwatch(),
    ): Subject = subjectKind(subject.kind).make(subject, images, surroundings.engines, watch)

    /** What a subject should answer; null where nobody knows. */
    fun reference(subject: SubjectOrder): Reference? = references(subject)
}

/** What an error says, in one line. */
internal fun sentence(error: Throwable): String {
    if (error is MvmoeException) return error.message.orEmpty()
    val line =
        error.message
            ?.trim()
            ?.lineSequence()
            ?.first()
            .orEmpty()
    return if (line.isEmpty()) error.javaClass.simpleName else "${error.javaClass.simpleName}: $line"
}

/** Takes the time of the steps of an opening: nanoseconds by name. */
internal class Stopwatch {
    val spent = LinkedHashMap<String, Long>()
    private var last = System.nanoTime()

    /** Counts the time since the last lap as [name]: `parse`, `hash` or `open`. */
    fun lap(name: String) {
        val now = System.nanoTime()
        spent[name] = (spent[name] ?: 0) + now - last
        last = now
    }
}
