import Foundation
import MVMoE
import MVMoEBench

/// What `mvmoe bench` runs, and what tests ask: the dispatcher as a program.
@main
enum Program {
  static let commands: [any Command] = [
    AnswersCommand(), SoakCommand(), PreprocessCommand(), DescribeCommand(), OrderCommand(), OrderFileCommand(),
    OwnRunCommand(),
  ]

  /// Follows the command line; exits with 2 for words, bundles or engines that cannot be used.
  static func main() async {
    let started = MonotonicClock.nanoseconds()
    let words = Array(CommandLine.arguments.dropFirst())
    guard let command = commands.first(where: { $0.name == words.first }) else {
      let known = commands.map { "\($0.name) \($0.usage)".trimmingCharacters(in: .whitespaces) }
      end("give one of: \(known.joined(separator: "; "))", ExitCode.usage)
    }
    do {
      exit(try await command.run(Array(words.dropFirst()), started: started))
    } catch let error as UsageError {
      end("\(error.message); expected \(command.name) \(command.usage)", ExitCode.usage)
    } catch {
      guard let described = Described(error) else { end(sentence(error), ExitCode.failed) }
      end(described.json, ExitCode.usage)
    }
  }

  private static func end(_ message: String, _ code: Int32) -> Never {
    FileHandle.standardError.write(Data((message + "\n").utf8))
    exit(code)
  }
}
