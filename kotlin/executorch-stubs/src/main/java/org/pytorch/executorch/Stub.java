package org.pytorch.executorch;

/** What a body of these classes does; on a phone the real ones are in their place. */
final class Stub {
  private Stub() {}

  static UnsupportedOperationException called() {
    return new UnsupportedOperationException("these are signatures alone; add org.pytorch:executorch-android to the application");
  }
}
