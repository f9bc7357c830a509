import Plots

extension MethodCode {
    /// How the method is drawn, the same in all plots. Methods of one family share a colour and differ in dashes and
    /// markers; ablations are only ever drawn beside ours.
    var style: LineChart.Style {
        switch self {
        case .ours: LineChart.Style(.vermillion, emphasised: true)
        case .noAdaptation: LineChart.Style(.grey, dash: .dotted, marker: .square)
        case .localAdaptation: LineChart.Style(.skyBlue, marker: .triangle)
        case .adaptiveNet: LineChart.Style(.green, marker: .diamond)
        case .fedAvg: LineChart.Style(.blue, marker: .square)
        case .fedAvgFineTuned: LineChart.Style(.blue, dash: .dashed, marker: .triangle)
        case .heteroFL: LineChart.Style(.purple, marker: .square)
        case .heteroFLMasked: LineChart.Style(.purple, dash: .dashed, marker: .diamond)
        case .heteroFLFineTuned: LineChart.Style(.orange, marker: .triangle)
        case .heteroFLMaskedFineTuned: LineChart.Style(.orange, dash: .dashed, marker: .circle)
        case .oursFullWeights: LineChart.Style(.orange, dash: .dashed, marker: .square)
        case .oursHalfPrecision: LineChart.Style(.vermillion, dash: .dashed, marker: .diamond)
        case .oursRandomModules: LineChart.Style(.ink, dash: .dashed, marker: .diamond)
        case .oursNoAbilityEnhancing: LineChart.Style(.blue, dash: .dashed, marker: .square)
        case .oursNoLocalTraining: LineChart.Style(.green, dash: .dashed, marker: .triangle)
        case .oursNoCloud: LineChart.Style(.skyBlue, dash: .dashed, marker: .triangle)
        default: LineChart.Style(.ink, dash: .dotted)
        }
    }
}

extension [MethodResult] {
    /// In the order of tables and legends: the known methods' own, then what is not known by name.
    var inOrder: [MethodResult] {
        let place = { (method: MethodCode) in
            (MethodCode.known.firstIndex(of: method) ?? MethodCode.known.count, method.rawValue)
        }
        return sorted { place($0.method) < place($1.method) }
    }
}
