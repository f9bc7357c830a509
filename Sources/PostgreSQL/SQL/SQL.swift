/// A statement with its parameters.
///
/// Written as a string literal; what is interpolated becomes a binary parameter and never part of the text:
///
///     let sql: SQL = "SELECT name FROM model WHERE id = \(id) AND kind = \(kind)::module_kind"
///
/// - Note: a `String` is declared as `text`; enum and other columns need a cast in the SQL, as above.
public struct SQL: Sendable {
    enum Part: Sendable {
        case text(String)
        case parameter(PostgresType, (any PostgresEncodable)?)
    }

    var parts: [Part] = []

    /// A statement without parameters. Never put a value into `text`.
    public init(raw text: String) { parts = [.text(text)] }

    /// A value as a parameter.
    public init<T: PostgresEncodable>(value: T?) { parts = [.parameter(T.postgresType, value)] }

    /// The text with `$1`, `$2`, ... for the parameters.
    public var text: String { render().text }

    /// Puts `other` at the end; its parameters are renumbered.
    public mutating func append(_ other: SQL) { parts += other.parts }

    /// `left` followed by `right`.
    public static func + (left: SQL, right: SQL) -> SQL {
        var sum = left
        sum.append(right)
        return sum
    }

    /// Puts `right` at the end of `left`.
    public static func += (left: inout SQL, right: SQL) { left.append(right) }

    /// `name` as a quoted identifier.
    public static func identifier(_ name: String) -> SQL { SQL(raw: quotedIdentifier(name)) }
}

extension SQL: ExpressibleByStringInterpolation {
    /// A statement without parameters.
    public init(stringLiteral text: String) { self.init(raw: text) }

    /// A statement with its parameters.
    public init(stringInterpolation: StringInterpolation) { parts = stringInterpolation.parts }

    /// Collects text and parameters.
    public struct StringInterpolation: StringInterpolationProtocol {
        var parts: [Part] = []

        /// Room for the parts.
        public init(literalCapacity: Int, interpolationCount: Int) { parts.reserveCapacity(2 * interpolationCount + 1) }

        /// Text of the statement.
        public mutating func appendLiteral(_ literal: String) {
            if !literal.isEmpty { parts.append(.text(literal)) }
        }
        /// A parameter.
        public mutating func appendInterpolation<T: PostgresEncodable>(_ value: T) {
            parts.append(.parameter(T.postgresType, value))
        }
        /// A parameter that may be NULL.
        public mutating func appendInterpolation<T: PostgresEncodable>(_ value: T?) {
            parts.append(.parameter(T.postgresType, value))
        }
        /// Part of a statement, with its own parameters.
        public mutating func appendInterpolation(_ sql: SQL) { parts += sql.parts }
        /// Text that goes into the statement as it is. Never a value from outside.
        public mutating func appendInterpolation(raw text: String) { parts.append(.text(text)) }
        /// A name, quoted.
        public mutating func appendInterpolation(identifier name: String) {
            parts.append(.text(quotedIdentifier(name)))
        }
    }
}

extension Sequence<SQL> {
    /// The parts one after another with `separator` between them.
    public func joined(separator: SQL = ", ") -> SQL {
        var sum = SQL(raw: "")
        for (index, part) in enumerated() {
            if index > 0 { sum.append(separator) }
            sum.append(part)
        }
        return sum
    }
}

/// `name` in double quotes; as in SQL, a quote inside is doubled.
func quotedIdentifier(_ name: String) -> String {
    "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
}

/// `text` in single quotes, whatever standard_conforming_strings says of backslashes: it must hold none.
func quotedLiteral(_ text: String) -> String {
    "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
}
