/// The fields of one object of a manifest: each is asked for by its name, and ``end()`` refuses the others.
///
/// Throws ``MVMoEError`` with the codes `bundle.manifest-...`. Where a method has a default, the field may be left out.
package final class Fields {
  package let path: JSONPath

  private let members: [(key: String, value: JSONValue)]

  /// Which of the members have been asked for.
  private var isAsked: [Bool]

  /// The place after the member that was found last: fields are mostly asked for in the order of the text.
  private var next = 0

  package init(_ value: JSONValue, _ path: JSONPath) throws {
    self.path = path
    members = try Field(value: value, path: path).members()
    isAsked = Array(repeating: false, count: members.count)
  }

  /// A field that must be there.
  package subscript(name: String) -> Field {
    get throws {
      guard let field = find(name) else { throw missing(name) }
      return field
    }
  }

  /// A field that may be left out; nil where it is.
  package func find(_ name: String) -> Field? {
    guard let place = place(of: name) else { return nil }
    isAsked[place] = true
    next = place + 1
    return Field(value: members[place].value, path: path.member(name))
  }

  package func boolean(_ name: String, default preset: Bool? = nil) throws -> Bool {
    try required(name, preset) { try $0.boolean() }
  }

  package func int(_ name: String, _ range: ClosedRange<Int>, default preset: Int? = nil) throws -> Int {
    try required(name, preset) { try $0.int(range) }
  }

  package func number(_ name: String, _ range: NumberRange, default preset: Double? = nil) throws -> Double {
    try required(name, preset) { try $0.number(range) }
  }

  package func text(_ name: String, _ form: TextForm = .text, default preset: String? = nil) throws -> String {
    try required(name, preset) { try $0.text(form) }
  }

  package func name(_ name: String) throws -> String { try text(name, .name) }

  package func oneOf(_ name: String, _ known: [String], default preset: String? = nil) throws -> String {
    try required(name, preset) { try $0.oneOf(known) }
  }

  package func numbers(
    _ name: String, _ range: NumberRange, _ sizes: ClosedRange<Int> = Field.anySize, default preset: [Double]? = nil
  ) throws -> [Double] {
    try required(name, preset) { try $0.list(sizes) { try $0.number(range) } }
  }

  package func list<T>(
    _ name: String, _ sizes: ClosedRange<Int> = Field.anySize, default preset: [T]? = nil,
    _ read: (Field) throws -> T
  ) throws -> [T] {
    try required(name, preset) { try $0.list(sizes, read) }
  }

  package func map<T>(
    _ name: String, keys: TextForm = .name, sizes: ClosedRange<Int> = Field.anySize, default preset: [String: T]? = nil,
    _ read: (Field) throws -> T
  ) throws -> [String: T] {
    try required(name, preset) { try $0.map(keys: keys, sizes: sizes, read) }
  }

  /// A field that must be there, and may be null.
  package func nullable<T>(_ name: String, _ read: (Field) throws -> T) throws -> T? { try self[name].orNil(read) }

  /// A field that may be null, and is so where it is left out.
  package func optional<T>(_ name: String, _ read: (Field) throws -> T) throws -> T? { try find(name)?.orNil(read) }

  /// An object of known fields.
  package func record<T>(_ name: String, _ read: (Fields) throws -> T) throws -> T { try self[name].record(read) }

  /// Refuses fields that nobody has asked for; called last.
  package func end() throws {
    guard let place = isAsked.firstIndex(of: false) else { return }
    let unknown = members[place].key
    throw MVMoEError(
      .bundleManifestUnknownField, "\(path) has the field \(quoted(unknown)), which this release does not know",
      fields: ["path": .text("\(path)"), "name": .text(shortened(unknown))])
  }

  private func place(of name: String) -> Int? {
    let name = ExactText(name)
    if next < members.count, ExactText(members[next].key) == name { return next }
    return members.firstIndex { ExactText($0.key) == name }
  }

  private func required<T>(_ name: String, _ preset: T?, _ read: (Field) throws -> T) throws -> T {
    if let field = find(name) { return try read(field) }
    guard let preset else { throw missing(name) }
    return preset
  }

  private func missing(_ name: String) -> MVMoEError {
    MVMoEError(
      .bundleManifestMissingField, "\(path) lacks the field \(name)",
      fields: ["path": .text("\(path)"), "name": .text(name)])
  }
}
