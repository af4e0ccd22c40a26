/**
 * Signatures of executorch-android that {@code mvmoe-executorch} is compiled against: what it calls, and no more.
 *
 * <p>executorch-android is an AAR with Android's native libraries, which no JVM loads, and an application brings it itself.
 * {@code tests/kotlin/test_executorch_signatures.py} compares every signature here with the real classes. What each method does
 * is said where {@code mvmoe-executorch} calls it.
 */
package org.pytorch.executorch;
