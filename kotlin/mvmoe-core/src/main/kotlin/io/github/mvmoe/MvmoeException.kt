package io.github.mvmoe

/**
 * The base of every error that this library raises.
 *
 * The message is one sentence: what was given, what was expected, what to do. Programs read [code] and [fields], which
 * are those of `docs/errors.md` and the same in every language.
 */
public open class MvmoeException(
    public val code: ErrorCode,
    message: String,
    public val fields: Map<String, Any?> = emptyMap(),
    cause: Throwable? = null,
) : RuntimeException(message, cause)

/** The bundle is missing, damaged, or not what its manifest says. */
public open class BundleException(
    code: ErrorCode,
    message: String,
    fields: Map<String, Any?> = emptyMap(),
    cause: Throwable? = null,
) : MvmoeException(code, message, fields, cause)

/** Files of the bundle changed while it was open; open it again. */
public class BundleReplacedException(
    message: String,
    fields: Map<String, Any?> = emptyMap(),
) : BundleException(ErrorCode.BUNDLE_REPLACED, message, fields)

/** An engine refuses a graph, or fails to run it. */
public open class EngineException(
    code: ErrorCode,
    message: String,
    fields: Map<String, Any?> = emptyMap(),
    cause: Throwable? = null,
) : MvmoeException(code, message, fields, cause)

/** No further file, memory or thread is to be had. */
public class ResourceLimitException(
    code: ErrorCode,
    message: String,
    fields: Map<String, Any?> = emptyMap(),
    cause: Throwable? = null,
) : EngineException(code, message, fields, cause)

/** A router's logits, or an answer, are not finite. */
public class RoutingException(
    code: ErrorCode,
    message: String,
    fields: Map<String, Any?> = emptyMap(),
) : MvmoeException(code, message, fields)

/** The image is not what is expected. */
public class ImageException(
    code: ErrorCode,
    message: String,
    fields: Map<String, Any?> = emptyMap(),
    cause: Throwable? = null,
) : MvmoeException(code, message, fields, cause)

/** An argument is not what is expected. */
public class InputException(
    code: ErrorCode,
    message: String,
    fields: Map<String, Any?> = emptyMap(),
) : MvmoeException(code, message, fields)

/** The engine does not answer as the bundle's golden vectors. */
public class CheckFailedException(
    message: String,
    fields: Map<String, Any?> = emptyMap(),
) : MvmoeException(ErrorCode.CHECK_ENGINE, message, fields)
