/// One axis of a plot.
package struct PlotAxis: Sendable, Hashable {
    /// How ticks are written.
    package enum Unit: Sendable, Hashable {
        case number
        case percent
        case bytes
    }

    /// What it shows: `accuracy`.
    package var title: String
    /// How ticks are written.
    package var unit: Unit
    /// How values are spread.
    package var kind: PlotScale.Kind

    /// Values of a percent axis are 0...100.
    package init(_ title: String, unit: Unit = .number, kind: PlotScale.Kind = .linear) {
        self.title = title
        self.unit = unit
        self.kind = kind
    }

    func label(_ tick: Double, decimals: Int) -> String {
        switch unit {
        case .number: NumberText.fixed(tick, decimals)
        case .percent: NumberText.fixed(tick, decimals) + " %"
        case .bytes: NumberText.byteTick(tick)
        }
    }
}
