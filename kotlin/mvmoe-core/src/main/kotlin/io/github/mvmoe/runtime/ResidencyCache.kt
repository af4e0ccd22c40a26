package io.github.mvmoe.runtime

import io.github.mvmoe.EngineException
import io.github.mvmoe.LoadState
import java.io.Closeable
import java.util.concurrent.CancellationException
import java.util.concurrent.CountDownLatch
import java.util.concurrent.atomic.AtomicLong
import java.util.concurrent.locks.ReentrantLock
import kotlin.concurrent.withLock

/**
 * What residency knows of something that is loaded.
 *
 * @property group items of one group share the limit of their number: the graphs of one stage.
 * @property stays whether it is in no limit, and is never evicted.
 */
internal class Item(
    val name: String,
    val group: Int,
    val bytes: Long,
    val stays: Boolean = false,
)

/** The most items of a group, the most bytes of all, and the names of the items that are not evicted. */
internal class Limits(
    val perGroup: Int?,
    val bytes: Long?,
    val pinned: Set<String>,
)

/** The place of one item, whether it is in memory or not. */
internal class Entry<T : Closeable>(
    val item: Item,
) {
    /** What is in memory; the cache is one of its users. Written with the cache's lock held. */
    @Volatile
    var copy: Shared<T>? = null

    /** When it was asked for last, by the cache's count of requests. */
    @Volatile
    var lastUse = 0L

    /** The load that goes on, if one does. Guarded by the cache's lock. */
    var load: Load<T>? = null

    /** Whether the last load failed. Guarded by the cache's lock. */
    var hasFailed = false

    val state: LoadState
        get() =
            when {
                copy != null -> LoadState.READY
                load != null -> LoadState.LOADING
                hasFailed -> LoadState.FAILED
                else -> LoadState.UNLOADED
            }
}

/** A load that goes on, and what comes of it. */
internal class Load<T : Closeable> {
    /** How many calls wait for it. Guarded by the cache's lock. */
    var waiting = 0
    private val ended = CountDownLatch(1)

    /** What was loaded; each call that waited is one of its users. */
    var copy: Shared<T>? = null
        private set

    /** Why nothing was, where those who waited share the reason; else they try again. */
    var failure: EngineException? = null
        private set

    /** One waits less; false where the load has ended already, for that one too. The cache's lock is held. */
    fun leave(): Boolean {
        if (ended.count == 0L) return false
        waiting -= 1
        return true
    }

    fun end(
        copy: Shared<T>?,
        failure: EngineException?,
    ) {
        this.copy = copy
        this.failure = failure
        ended.countDown()
    }

    fun await() = ended.await()
}

/**
 * Which items are in memory: pinned ones, then the most recently used within limits (`docs/dispatcher.md`, *What is in memory*).
 *
 * It knows names, groups and bytes; what an item is and how it is loaded is the caller's. Invariants:
 *
 * - Calls that ask for the same cold item load it once; all get it, or its EngineException. Where a load ends in another
 *   way (an interruption, a replaced file), one of those who wait for it loads the item.
 * - A request waits only for the load of its own item, and can be interrupted there. One for an item in memory waits for
 *   nothing: it takes no lock.
 * - Room is made before a load, so that limits hold while loading too; items that are being loaded count. What could not
 *   be evicted then is evicted once the last of several loads has ended.
 * - An item has the cache and its users as owners. What is evicted is closed by the last of them, at once if there is
 *   none, and while no lock is held.
 *
 * [changed] is called, without a lock, after states have changed.
 */
internal class ResidencyCache<T : Closeable>(
    items: List<Item>,
    private val load: (String) -> T,
    private val changed: () -> Unit = {},
) {
    private val entries = items.associateTo(LinkedHashMap()) { it.name to Entry<T>(it) }
    private val lock = ReentrantLock()
    private val requests = AtomicLong()

    /** The items that take room: in memory, or being loaded. */
    private val counted = LinkedHashSet<Entry<T>>()

    /** Guarded by the lock, as all that is above. */
    private var limits = Limits(null, null, emptySet())

    /** The loaded items that come and go, the least recently used first. */
    val resident: List<String>
        get() = lock.withLock { loaded().sortedBy { it.lastUse }.map { it.item.name } }

    /** The state of every item, in their order. */
    val states: Map<String, LoadState>
        get() = lock.withLock { entries.mapValues { it.value.state } }

    fun entry(name: String): Entry<T> = entries.getValue(name)

    /**
     * An item for one user more, who has to release it; it is loaded if it is cold.
     *
     * @throws InterruptedException if the thread is interrupted when the item has to be loaded, or waits for its load.
     */
    fun acquire(entry: Entry<T>): Shared<T> {
        val copy = entry.copy
        if (copy != null && copy.tryRetain()) {
            touch(entry)
            return copy
        }
        return acquireCold(entry)
    }

    /** Whether an item is in memory, or would fit without evicting another one. */
    fun hasRoom(entry: Entry<T>): Boolean =
        lock.withLock {
            val more = if (entry in counted) 0 else 1
            entry.copy != null || (fitsGroup(entry.item.group, more) && fitsBytes(more * entry.item.bytes))
        }

    /** Sets other limits and pins, and evicts what is over them. */
    fun limit(limits: Limits) {
        val victims =
            lock.withLock {
                this.limits = limits
                makeRoom(counted.map { it.item.group }.distinct(), null)
            }
        release(victims)
    }

    /** Evicts all that is not pinned. */
    fun trim() {
        val victims = lock.withLock { loaded().filter { isEvictable(it, null) }.mapNotNull { evict(it) } }
        release(victims)
    }

    /** Evicts everything, pinned or not, and what stays. */
    fun clear() {
        val victims = lock.withLock { entries.values.mapNotNull { evict(it) } }
        release(victims)
    }

    private fun touch(entry: Entry<T>) {
        entry.lastUse = requests.incrementAndGet()
    }

    /** Loads an item, or waits until another call has. */
    private fun acquireCold(entry: Entry<T>): Shared<T> {
        while (true) {
            if (Thread.interrupted()) throw InterruptedException()
            var isMine = false
            val load =
                lock.withLock {
                    entry.copy?.let { return it.alsoUsed(entry) }
                    entry.load?.also { it.waiting += 1 } ?: begin(entry).also { isMine = true }
                }
            if (isMine) return load(entry, load)
            await(load)?.let {
                touch(entry)
                return it
            }
        }
    }

    /** A copy for one user more. The lock is held, so that the cache stays its user meanwhile. */
    private fun Shared<T>.alsoUsed(entry: Entry<T>): Shared<T> {
        retain(1)
        touch(entry)
        return this
    }

    /** From here on an item is being loaded, and counts. The lock is held. */
    private fun begin(entry: Entry<T>): Load<T> {
        if (!entry.item.stays) counted += entry
        return Load<T>().also { entry.load = it }
    }

    /** Loads an item for the calling thread and for those who wait. */
    private fun load(
        entry: Entry<T>,
        load: Load<T>,
    ): Shared<T> {
        val copy =
            try {
                release(lock.withLock { makeRoom(entry) })
                Shared(load(entry.item.name))
            } catch (failure: Throwable) {
                lock.withLock { fail(entry, load, failure) }
                changed()
                throw failure
            }
        val victims = lock.withLock { publish(entry, load, copy) }
        try {
            release(victims)
        } catch (failure: Throwable) {
            copy.release()
            throw failure
        }
        return copy
    }

    /** A load has ended without an item, which does not count any more. The lock is held. */
    private fun fail(
        entry: Entry<T>,
        load: Load<T>,
        failure: Throwable,
    ) {
        entry.load = null
        entry.hasFailed = failure !is InterruptedException && failure !is CancellationException
        counted -= entry
        load.end(null, failure as? EngineException)
    }

    /** A load has ended: the cache and those who wait have the item too. Gives what is over the limits. The lock is held. */
    private fun publish(
        entry: Entry<T>,
        load: Load<T>,
        copy: Shared<T>,
    ): List<Shared<T>> {
        copy.retain(1 + load.waiting)
        entry.copy = copy
        entry.load = null
        entry.hasFailed = false
        touch(entry)
        load.end(copy, null)
        return makeRoom(entry)
    }

    /** What comes of another call's load, or null where this call has to try again. */
    private fun await(load: Load<T>): Shared<T>? {
        try {
            load.await()
        } catch (interruption: InterruptedException) {
            if (lock.withLock { load.leave() }) throw interruption
            Thread.currentThread().interrupt() // The load has ended meanwhile, and this call is a user of its item.
        }
        load.failure?.let { throw it }
        return load.copy
    }

    /** Evicts the least recently used items until the limits hold, or nothing but [entry] is left to evict. The lock is held. */
    private fun makeRoom(entry: Entry<T>): List<Shared<T>> = makeRoom(listOf(entry.item.group), entry)

    private fun makeRoom(
        groups: List<Int>,
        kept: Entry<T>?,
    ): List<Shared<T>> {
        val victims = ArrayList<Shared<T>>()
        for (group in groups) {
            while (!fitsGroup(group, 0)) victims += evictOne(kept) { it.item.group == group } ?: break
        }
        while (!fitsBytes(0)) victims += evictOne(kept) { true } ?: break
        return victims
    }

    private fun fitsGroup(
        group: Int,
        more: Int,
    ): Boolean = limits.perGroup.let { most -> most == null || counted.count { it.item.group == group } + more <= most }

    private fun fitsBytes(more: Long): Boolean = limits.bytes.let { most -> most == null || counted.sumOf { it.item.bytes } + more <= most }

    private inline fun evictOne(
        kept: Entry<T>?,
        suits: (Entry<T>) -> Boolean,
    ): Shared<T>? =
        loaded()
            .filter { isEvictable(it, kept) && suits(it) }
            .minByOrNull { it.lastUse }
            ?.let { evict(it) }

    private fun loaded(): List<Entry<T>> = counted.filter { it.copy != null }

    private fun isEvictable(
        entry: Entry<T>,
        kept: Entry<T>?,
    ): Boolean = entry !== kept && entry.item.name !in limits.pinned

    /** Takes an item from what requests find; the caller releases it for the cache, without the lock. */
    private fun evict(entry: Entry<T>): Shared<T>? {
        val copy = entry.copy ?: return null
        entry.copy = null
        counted -= entry
        return copy
    }

    /** Tells of the changes, and gives up items for the cache; all of them, whatever closing one raises. */
    private fun release(victims: List<Shared<T>>) {
        changed()
        closeAll(victims.map { Closeable(it::release) })
    }
}
