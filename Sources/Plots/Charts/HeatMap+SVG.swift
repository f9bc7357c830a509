extension HeatMap {
    /// The heat map as an SVG document. Colours run from 0 to the largest value, which the bar on top names.
    package var svg: String {
        let values = rows.flatMap { $0.matrices }.compactMap { $0 }.flatMap { $0 }.flatMap { $0 }
        let largest = max(values.filter(\.isFinite).max() ?? 0, 1e-9)
        let grid = Grid(self)
        var picture = PlotTheme.picture(
            width: grid.width, height: grid.height, title: title, styles: HeatColors.styleSheet)
        picture.add(PlotTheme.text(title, x: 16, y: 24, style: "title"))
        picture.add(HeatColors.bar(x: grid.left, y: 42, title: valueTitle, largest: largest))
        for (index, column) in columns.enumerated() {
            picture.add(PlotTheme.text(column, x: grid.x(index), y: grid.top - 8, style: "text"))
        }
        for (index, row) in rows.enumerated() {
            picture.add(grid.labels(of: row.title, rowLabels, row: index))
            for (column, matrix) in row.matrices.enumerated() where column < columns.count {
                guard let matrix else { continue }
                picture.add(grid.panel(matrix, row: index, column: column, largest: largest))
            }
        }
        for index in columns.indices {
            picture.add(grid.columnNumbers(columnTitle, column: index))
        }
        return picture.document
    }
}

/// Colours of one hue, from the page's own to a strong one: they differ in lightness, which everybody sees.
private enum HeatColors {
    static let levels = 16

    static func level(_ value: Double, largest: Double) -> Int {
        guard value.isFinite else { return 0 }
        return min(levels - 1, max(0, Int((value / largest * Double(levels - 1)).rounded())))
    }

    static let styleSheet: String = {
        let light: [(Double, Double, Double)] = [(240, 244, 248), (86, 180, 233), (0, 114, 178), (3, 36, 74)]
        let dark: [(Double, Double, Double)] = [(28, 34, 43), (0, 84, 140), (86, 180, 233), (226, 243, 255)]
        let rules = { (anchors: [(Double, Double, Double)]) in
            (0..<levels).map { ".h\($0){fill:\(color(Double($0) / Double(levels - 1), anchors))}" }.joined()
        }
        return rules(light) + "@media (prefers-color-scheme:dark){\(rules(dark))}"
    }()

    static func bar(x: Double, y: Double, title: String, largest: Double) -> SVGElement {
        var group = SVGElement("g")
        for level in 0..<levels {
            let place = PlotTheme.number(x + 14 + Double(level) * 9)
            group.add(
                SVGElement(
                    "rect", ["class": "h\(level)", "x": place, "y": PlotTheme.number(y), "width": "9", "height": "10"]))
        }
        group.add(PlotTheme.text("0", x: x, y: y + 9, style: "faint"))
        let text = "\(NumberText.significant(largest, 2))  \(title)"
        group.add(PlotTheme.text(text, x: x + 22 + Double(levels) * 9, y: y + 9, style: "faint"))
        return group
    }

    private static func color(_ share: Double, _ anchors: [(Double, Double, Double)]) -> String {
        let place = share * Double(anchors.count - 1)
        let index = min(anchors.count - 2, Int(place))
        let rest = place - Double(index)
        let (a, b) = (anchors[index], anchors[index + 1])
        let parts = [a.0 + (b.0 - a.0) * rest, a.1 + (b.1 - a.1) * rest, a.2 + (b.2 - a.2) * rest]
        return "rgb(\(parts.map { String(Int($0.rounded())) }.joined(separator: ",")))"
    }
}

/// The place of everything in a heat map.
private struct Grid {
    let left: Double
    let top = 88.0
    let gap = 22.0
    let rowHeading = 20.0
    let cellWidth: Double
    let cellHeight: Double
    let matrixRows: Int
    let matrixColumns: Int
    let panelRows: Int
    let width: Double
    let height: Double

    static let longestLabel = 22

    init(_ map: HeatMap) {
        let matrices = map.rows.flatMap { $0.matrices }.compactMap { $0 }
        matrixRows = max(map.rowLabels.count, matrices.map(\.count).max() ?? 0)
        matrixColumns = matrices.flatMap { $0 }.map(\.count).max() ?? 0
        panelRows = map.rows.count
        cellWidth = min(18, max(7, (300 / Double(max(1, matrixColumns))).rounded()))
        cellHeight = matrixRows > 16 ? 11 : 16
        let labels = map.rowLabels.map { PlotTheme.width(of: Self.shortened($0), size: 10) }
        left = 28 + (labels.max() ?? 0)
        let panels = Double(map.columns.count) * (Double(matrixColumns) * cellWidth + gap)
        width = max(left + panels + 8, PlotTheme.width(of: map.title, size: 14) + 40, left + 330)
        height = top + Double(panelRows) * (rowHeading + Double(matrixRows) * cellHeight) + 44
    }

    func x(_ column: Int) -> Double { left + Double(column) * (Double(matrixColumns) * cellWidth + gap) }
    func y(_ row: Int) -> Double { top + rowHeading + Double(row) * (rowHeading + Double(matrixRows) * cellHeight) }

    func labels(of title: String, _ labels: [String], row: Int) -> SVGElement {
        var group = SVGElement("g", ["font-size": "10"])
        group.add(PlotTheme.text(title, x: x(0), y: y(row) - 6, style: "faint"))
        for (index, label) in labels.enumerated() {
            let middle = y(row) + (Double(index) + 0.5) * cellHeight + 3.5
            group.add(PlotTheme.text(Self.shortened(label), x: left - 6, y: middle, anchor: "end", style: "faint"))
        }
        return group
    }

    /// The cells of one colour are one path, which keeps the file small.
    func panel(_ matrix: [[Double]], row: Int, column: Int, largest: Double) -> SVGElement {
        var paths = [String](repeating: "", count: HeatColors.levels)
        let n = PlotTheme.number
        for (r, values) in matrix.enumerated() {
            for (c, value) in values.enumerated() {
                let left = n(x(column) + Double(c) * cellWidth)
                let top = n(y(row) + Double(r) * cellHeight)
                paths[HeatColors.level(value, largest: largest)] +=
                    "M\(left) \(top)h\(n(cellWidth - 1))v\(n(cellHeight - 1))h-\(n(cellWidth - 1))z"
            }
        }
        var group = SVGElement("g")
        for (level, path) in paths.enumerated() where !path.isEmpty {
            group.add(SVGElement("path", ["class": "h\(level)", "d": path]))
        }
        return group
    }

    func columnNumbers(_ title: String, column: Int) -> SVGElement {
        var group = SVGElement("g", ["font-size": "10"])
        let below = panelRows == 0 ? top : y(panelRows - 1) + Double(matrixRows) * cellHeight + 12
        let every = cellWidth >= 16 ? 1 : (cellWidth >= 10 ? 2 : 4)
        for index in stride(from: 0, to: matrixColumns, by: every) {
            let middle = x(column) + (Double(index) + 0.5) * cellWidth
            group.add(PlotTheme.text(String(index), x: middle, y: below, anchor: "middle", style: "faint"))
        }
        let middle = x(column) + Double(matrixColumns) * cellWidth / 2
        group.add(PlotTheme.text(title, x: middle, y: below + 16, anchor: "middle", style: "faint"))
        return group
    }

    private static func shortened(_ label: String) -> String {
        label.count <= longestLabel ? label : label.prefix(longestLabel - 1) + "…"
    }
}
