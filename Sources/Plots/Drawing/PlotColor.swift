/// The palette of Okabe and Ito (jfly.uni-koeln.de/color), which people with any colour vision tell apart; its yellow is
/// left out, as it does not show on white.
package enum PlotColor: String, Sendable, Hashable, CaseIterable {
    /// Black on a light page, white on a dark one.
    case ink
    /// Grey, for what is there to compare with.
    case grey
    case orange
    case skyBlue
    case green
    case blue
    case vermillion
    case purple

    /// The colour on a light page.
    var light: String {
        switch self {
        case .ink: "#1f2328"
        case .grey: "#6e7781"
        case .orange: "#e69f00"
        case .skyBlue: "#56b4e9"
        case .green: "#009e73"
        case .blue: "#0072b2"
        case .vermillion: "#d55e00"
        case .purple: "#cc79a7"
        }
    }

    /// The colour on a dark page: the same hue, light enough to show.
    var dark: String {
        switch self {
        case .ink: "#f0f6fc"
        case .grey: "#9198a1"
        case .blue: "#3d9be0"
        case .vermillion: "#f0712c"
        default: light
        }
    }
}
