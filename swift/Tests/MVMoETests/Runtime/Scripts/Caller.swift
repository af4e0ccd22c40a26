/// Tells the engine of the scripts whose call it is in.
enum Caller {
  @TaskLocal static var name = ""
}
