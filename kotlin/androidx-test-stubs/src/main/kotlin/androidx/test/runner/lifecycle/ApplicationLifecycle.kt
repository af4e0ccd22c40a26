package androidx.test.runner.lifecycle

enum class ApplicationStage { PRE_ON_CREATE, CREATED }

/** Would be told of the application's stages; no test asks. */
interface ApplicationLifecycleMonitor

object ApplicationLifecycleMonitorRegistry {
    @JvmStatic
    fun registerInstance(monitor: ApplicationLifecycleMonitor): Unit = Unit
}
