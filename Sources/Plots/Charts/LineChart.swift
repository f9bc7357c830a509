/// Lines, points and levels over two axes.
package struct LineChart: Sendable, Hashable {
    /// The heading.
    package var title: String
    /// The horizontal axis.
    package var x: PlotAxis
    /// The vertical axis.
    package var y: PlotAxis
    /// What is shown, in the order of the legend; later ones are drawn over earlier ones, emphasised ones over all.
    package var series: [Series]

    package init(title: String, x: PlotAxis, y: PlotAxis, series: [Series]) {
        self.title = title
        self.x = x
        self.y = y
        self.series = series
    }

    /// One entry of the legend.
    package struct Series: Sendable, Hashable {
        /// Its name in the legend.
        package var label: String
        /// What it looks like.
        package var style: Style
        /// What it shows.
        package var shape: Shape

        package init(_ label: String, style: Style, shape: Shape) {
            self.label = label
            self.style = style
            self.shape = shape
        }
    }

    /// What a series shows.
    package enum Shape: Sendable, Hashable {
        /// Points joined by a line, with a band where they have a spread.
        case line([Point])
        /// Points on their own, with bars where they have a spread.
        case scatter([Point])
        /// One value for every x: a horizontal line.
        case level(Double)
    }

    /// A value, with its spread where it has one.
    package struct Point: Sendable, Hashable {
        package var x: Double
        package var y: Double
        /// How far the band or bar reaches above and below.
        package var spread: Double

        package init(x: Double, y: Double, spread: Double = 0) {
            self.x = x
            self.y = y
            self.spread = spread
        }

        var isFinite: Bool { x.isFinite && y.isFinite && spread.isFinite }
    }

    /// What a series looks like. Colour is never alone: dashes and markers tell series apart as well.
    package struct Style: Sendable, Hashable {
        package enum Dash: String, Sendable, Hashable {
            case solid = ""
            case dashed = "7 4"
            case dotted = "2 4"
        }

        package enum Marker: Sendable, Hashable {
            case circle
            case square
            case triangle
            case diamond
        }

        package var color: PlotColor
        package var dash: Dash
        package var marker: Marker
        /// Whether it is drawn heavier than the others.
        package var emphasised: Bool

        package init(
            _ color: PlotColor, dash: Dash = .solid, marker: Marker = .circle, emphasised: Bool = false
        ) {
            self.color = color
            self.dash = dash
            self.marker = marker
            self.emphasised = emphasised
        }
    }
}
