extension LineChart {
    /// The chart as an SVG document.
    package var svg: String {
        let drawn = drawable
        let points = drawn.flatMap(\.shownPoints)
        let levels = drawn.compactMap(\.level)
        let yValues = points.flatMap { [$0.y - $0.spread, $0.y + $0.spread] } + levels
        let xScale = PlotScale(x.kind, showing: points.map(\.x), wantedTicks: 7)
        let yScale = PlotScale(y.kind, showing: yValues, wantedTicks: 6)
        let frame = Frame(chart: self, legend: drawn.map(\.label), xScale: xScale, yScale: yScale)

        var picture = PlotTheme.picture(width: frame.width, height: frame.height, title: title)
        picture.add(PlotTheme.text(title, x: 16, y: 24, style: "title"))
        picture.add(frame.axes(x: x, y: y))
        if drawn.isEmpty {
            picture.add(
                PlotTheme.text(
                    "no data", x: (frame.left + frame.right) / 2, y: (frame.top + frame.bottom) / 2, anchor: "middle",
                    style: "faint"))
        }
        // What is emphasised is drawn on top.
        for series in drawn.filter({ !$0.style.emphasised }) + drawn.filter(\.style.emphasised) {
            picture.add(frame.draw(series))
        }
        picture.add(frame.legend(drawn))
        return picture.document
    }

    /// The series that have something to show: points that are numbers, and positive where an axis is logarithmic.
    private var drawable: [Series] {
        series.compactMap { series in
            var series = series
            switch series.shape {
            case .line(let points): series.shape = .line(shown(points))
            case .scatter(let points): series.shape = .scatter(shown(points))
            case .level(let value) where !value.isFinite: return nil
            case .level: return series
            }
            return series.shownPoints.isEmpty ? nil : series
        }
    }

    private func shown(_ points: [Point]) -> [Point] {
        points.filter {
            $0.isFinite && (x.kind == .linear || $0.x > 0) && (y.kind == .linear || $0.y - $0.spread > 0)
        }
    }
}

extension LineChart.Series {
    fileprivate var shownPoints: [LineChart.Point] {
        switch shape {
        case .line(let points), .scatter(let points): points
        case .level: []
        }
    }

    fileprivate var level: Double? {
        guard case .level(let value) = shape else { return nil }
        return value
    }
}

/// The place of everything in a chart.
private struct Frame {
    let width: Double
    let height = 400.0
    let left: Double
    let right: Double
    let top = 44.0
    let bottom = 346.0
    let xScale: PlotScale
    let yScale: PlotScale

    init(chart: LineChart, legend: [String], xScale: PlotScale, yScale: PlotScale) {
        let tickWidth =
            yScale.ticks.map { PlotTheme.width(of: chart.y.label($0, decimals: yScale.decimals)) }.max() ?? 0
        left = tickWidth + 50
        right = left + 480
        width = max(
            right + 60 + (legend.map { PlotTheme.width(of: $0) }.max() ?? 0),
            PlotTheme.width(of: chart.title, size: 14) + 40)
        self.xScale = xScale
        self.yScale = yScale
    }

    func px(_ value: Double) -> Double { left + xScale.share(value) * (right - left) }
    func py(_ value: Double) -> Double { bottom - yScale.share(value) * (bottom - top) }

    func axes(x: PlotAxis, y: PlotAxis) -> SVGElement {
        var group = SVGElement("g")
        for tick in yScale.ticks {
            group.add(line(left, py(tick), right, py(tick), style: "grid"))
            let label = y.label(tick, decimals: yScale.decimals)
            group.add(PlotTheme.text(label, x: left - 8, y: py(tick) + 4, anchor: "end", style: "faint"))
        }
        for tick in xScale.ticks {
            group.add(line(px(tick), bottom, px(tick), bottom + 5, style: "axis"))
            let label = x.label(tick, decimals: xScale.decimals)
            group.add(PlotTheme.text(label, x: px(tick), y: bottom + 19, anchor: "middle", style: "faint"))
        }
        group.add(line(left, bottom, right, bottom, style: "axis"))
        group.add(PlotTheme.text(x.title, x: (left + right) / 2, y: bottom + 42, anchor: "middle"))
        var title = PlotTheme.text(y.title, x: 0, y: 0, anchor: "middle")
        title.set("transform", "translate(22 \(PlotTheme.number((top + bottom) / 2))) rotate(-90)")
        group.add(title)
        return group
    }

    func draw(_ series: LineChart.Series) -> SVGElement {
        var group = SVGElement("g", ["class": series.style.color.rawValue])
        switch series.shape {
        case .line(let points):
            if points.count > 1, points.contains(where: { $0.spread > 0 }) { group.add(band(points)) }
            if points.count > 1 { group.add(stroke(path(points.map { ($0.x, $0.y) }), series.style)) }
            // Markers on a long line would hide it.
            let every = (points.count - 1) / 12 + 1
            for (index, point) in points.enumerated() where index % every == 0 {
                group.add(marker(series.style, px(point.x), py(point.y)))
            }
        case .scatter(let points):
            for point in points {
                if point.spread > 0 {
                    var bar = line(
                        px(point.x), py(point.y - point.spread), px(point.x), py(point.y + point.spread), style: nil)
                    bar.set("stroke-width", "1.5")
                    group.add(bar)
                }
                group.add(marker(series.style, px(point.x), py(point.y), size: series.style.emphasised ? 6 : 5))
            }
        case .level(let value):
            let y = PlotTheme.number(py(value))
            group.add(stroke("M\(PlotTheme.number(left)) \(y)H\(PlotTheme.number(right))", series.style, width: 1.4))
        }
        return group
    }

    func legend(_ series: [LineChart.Series]) -> SVGElement {
        var group = SVGElement("g")
        // In the order given, from the top down.
        for (index, series) in series.enumerated() {
            let y = top + 8 + Double(index) * 20
            let x = right + 16
            var sample = SVGElement("g", ["class": series.style.color.rawValue])
            switch series.shape {
            case .scatter: break
            case .line:
                sample.add(stroke("M\(PlotTheme.number(x)) \(PlotTheme.number(y))h28", series.style))
            case .level:
                sample.add(stroke("M\(PlotTheme.number(x)) \(PlotTheme.number(y))h28", series.style, width: 1.4))
            }
            if series.level == nil { sample.add(marker(series.style, x + 14, y)) }
            group.add(sample)
            group.add(PlotTheme.text(series.label, x: x + 36, y: y + 4))
        }
        return group
    }

    private func band(_ points: [LineChart.Point]) -> SVGElement {
        let outline = points.map { ($0.x, $0.y + $0.spread) } + points.reversed().map { ($0.x, $0.y - $0.spread) }
        return SVGElement("path", ["class": "band", "d": path(outline) + "Z"])
    }

    private func path(_ points: [(Double, Double)]) -> String {
        points.enumerated().map { index, point in
            "\(index == 0 ? "M" : "L")\(PlotTheme.number(px(point.0))) \(PlotTheme.number(py(point.1)))"
        }.joined()
    }

    private func stroke(_ path: String, _ style: LineChart.Style, width: Double? = nil) -> SVGElement {
        let width = width ?? (style.emphasised ? 2.8 : 1.8)
        var element = SVGElement("path", ["class": "line", "stroke-width": PlotTheme.number(width), "d": path])
        if style.dash != .solid { element.set("stroke-dasharray", style.dash.rawValue) }
        return element
    }

    private func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, style: String?) -> SVGElement {
        var element = SVGElement("path")
        if let style { element.set("class", style) }
        let n = PlotTheme.number
        element.set("d", "M\(n(x1)) \(n(y1))L\(n(x2)) \(n(y2))")
        return element
    }

    private func marker(_ style: LineChart.Style, _ x: Double, _ y: Double, size r: Double = 3.5) -> SVGElement {
        let n = PlotTheme.number
        switch style.marker {
        case .circle: return SVGElement("circle", ["cx": n(x), "cy": n(y), "r": n(r)])
        case .square:
            return SVGElement("rect", ["x": n(x - r), "y": n(y - r), "width": n(2 * r), "height": n(2 * r)])
        case .triangle:
            return SVGElement(
                "path", ["d": "M\(n(x)) \(n(y - r * 1.3))L\(n(x + r * 1.2)) \(n(y + r))H\(n(x - r * 1.2))Z"])
        case .diamond:
            let d = r * 1.35
            return SVGElement(
                "path", ["d": "M\(n(x)) \(n(y - d))L\(n(x + d)) \(n(y))L\(n(x)) \(n(y + d))L\(n(x - d)) \(n(y))Z"])
        }
    }
}
