import Foundation

/// The texts of the Android demo, with places for values as Apple's systems write them.
enum AndroidStrings {
  /// By key; plurals have one for each quantity.
  static func all() throws -> [String: String] {
    let folder = RepositoryFiles.root.appendingPathComponent("android_demo/app/src/main/res/values")
    var found: [String: String] = [:]
    for name in ["strings", "strings_try", "strings_experts", "strings_bench"] {
      let xml = try String(contentsOf: folder.appendingPathComponent("\(name).xml"), encoding: .utf8)
      for text in xml.matches(of: /<string name="(\w+)">(.*?)<\/string>/) {
        found[String(text.1)] = plain(text.2)
      }
      for plural in xml.matches(of: /(?s)<plurals name="(\w+)">(.*?)<\/plurals>/) {
        for item in plural.2.matches(of: /<item quantity="(\w+)">(.*?)<\/item>/) {
          found["\(plural.1)_\(item.1)"] = plain(item.2)
        }
      }
    }
    return found
  }

  private static func plain(_ text: Substring) -> String {
    var text = String(text)
    for (written, meant) in [
      ("\\'", "'"), ("\\n", "\n"), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"), ("%d", "%1$@"),
    ] {
      text = text.replacingOccurrences(of: written, with: meant)
    }
    return text.replacing(/%(\d)\$(?:\.\d)?[sdf]/) { "%\($0.1)$@" }
  }
}
