import CommandSupport
import Registry

/// The lineage of one module around one version, in the forms that `lineage` prints.
struct LineageGraph {
    let model: String
    let module: String
    let version: Int
    let direction: LineageDirection
    let edges: [LineageEdge]
    let isTruncated: Bool

    struct Document: Encodable {
        var model: String
        var module: String
        var version: Int
        var direction: String
        var edges: [EdgeDocument]
        var isTruncated: Bool
    }

    var document: Document {
        Document(
            model: model, module: module, version: version, direction: direction.rawValue,
            edges: edges.map { EdgeDocument($0) }, isTruncated: isTruncated)
    }

    /// Graphviz's language: an edge leads from the parent to the child.
    var dot: String {
        var lines = ["digraph lineage {", "  rankdir=TB;", "  node [shape=box];"]
        var versions: Set<Int> = [version]
        for edge in edges {
            versions.insert(edge.version)
            switch edge.parent {
            case .version(let parent):
                versions.insert(parent)
                lines.append("  \"v\(parent)\" -> \"v\(edge.version)\" [style=bold];")
            case .update(let id, let device):
                let label = Self.quoted("update \(id)\\n\(Self.escaped(device))")
                lines.append("  \"u\(id)\" [shape=ellipse, label=\(label)];")
                lines.append(
                    "  \"u\(id)\" -> \"v\(edge.version)\" [label=\"\(Figure.importance(edge.weight))\"];")
            }
        }
        for number in versions.sorted() {
            let mark = number == version ? ", penwidth=2" : ""
            lines.append("  \"v\(number)\" [label=\(Self.quoted("\(Self.escaped(module))@\(number)"))\(mark)];")
        }
        return lines.joined(separator: "\n") + "\n}\n"
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    }

    private static func quoted(_ text: String) -> String { "\"\(text)\"" }

    /// A trunk of versions with the updates that went into each; branches where one version led to several.
    var tree: String {
        var text = ""
        var printed: Set<Int> = []
        var updates: [Int: [LineageEdge]] = [:]
        var next: [Int: [Int]] = [:]
        var rounds: [Int: Int] = [:]
        for edge in edges {
            rounds[edge.version] = edge.round
            switch edge.parent {
            case .update: updates[edge.version, default: []].append(edge)
            case .version(let parent):
                switch direction {
                case .ancestors: next[edge.version, default: []].append(parent)
                case .descendants: next[parent, default: []].append(edge.version)
                }
            }
        }
        // A stack instead of recursion: a module may have a very long history.
        var stack: [(version: Int, prefix: String)] = [(version, "")]
        while let (number, prefix) = stack.popLast() {
            let origin = rounds[number].map { "  round \($0)" } ?? ""
            guard printed.insert(number).inserted else {
                text += "\(prefix)\(module)@\(number)  (above)\n"
                continue
            }
            text += "\(prefix)\(module)@\(number)\(origin)\n"
            let onward = (next[number] ?? []).sorted(by: direction == .ancestors ? { $0 > $1 } : { $0 < $1 })
            let bar = onward.isEmpty ? "  " : "│ "
            let folded = updates[number] ?? []
            for (position, edge) in folded.enumerated() {
                guard case .update(let id, let device) = edge.parent else { continue }
                let corner = position == folded.count - 1 ? "└─" : "├─"
                text += "\(prefix)\(bar)\(corner) update \(id) of \(device)  weight \(Figure.importance(edge.weight))\n"
            }
            for (position, other) in onward.enumerated().reversed() {
                // One goes on in the trunk, the others are branches beside it.
                stack.append((other, position == onward.count - 1 ? prefix : prefix + "│ "))
            }
        }
        return text
    }
}
