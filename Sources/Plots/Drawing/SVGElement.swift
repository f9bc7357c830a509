/// An element of an SVG picture: a tree that is written as well-formed XML, the same bytes every time.
package struct SVGElement: Sendable, Hashable {
    /// The element's name.
    package let name: String
    /// Attributes in the order in which they are written.
    package private(set) var attributes: [Attribute]
    /// Elements inside.
    package var children: [SVGElement]
    /// Text inside, before the elements.
    package var text: String?

    /// A name and its value.
    package struct Attribute: Sendable, Hashable {
        package let name: String
        package let value: String
    }

    /// An element with attributes, which are written in the order given.
    package init(
        _ name: String, _ attributes: KeyValuePairs<String, String> = [:], text: String? = nil,
        children: [SVGElement] = []
    ) {
        self.name = name
        self.attributes = attributes.map { Attribute(name: $0.key, value: $0.value) }
        self.text = text
        self.children = children
    }

    /// Appends an element inside.
    package mutating func add(_ child: SVGElement) { children.append(child) }

    /// Appends an attribute.
    package mutating func set(_ name: String, _ value: String) {
        attributes.append(Attribute(name: name, value: value))
    }

    /// The element as a document of its own, one element a line.
    package var document: String {
        var output = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        write(to: &output, depth: 0)
        return output
    }

    private func write(to output: inout String, depth: Int) {
        output += String(repeating: " ", count: depth) + "<" + name
        for attribute in attributes {
            output += " \(attribute.name)=\"\(Self.escaped(attribute.value))\""
        }
        if children.isEmpty, text == nil {
            output += "/>\n"
            return
        }
        output += ">" + (text.map(Self.escaped) ?? "")
        if !children.isEmpty {
            output += "\n"
            for child in children { child.write(to: &output, depth: depth + 1) }
            output += String(repeating: " ", count: depth)
        }
        output += "</\(name)>\n"
    }

    /// Text with the characters replaced that XML gives a meaning, and without those that it cannot hold at all.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "\t", "\n", "\r": result += " "
            case "\u{0}"..<"\u{20}", "\u{FFFE}", "\u{FFFF}": continue
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
