public import EdgeClient
import Plots

/// What became of a fleet.
public struct LiveFleetReport: Sendable, Codable {
    public var model: String
    /// The devices, in the order of their names.
    public var devices: [Device]
    public var rounds: [Round]
    /// Bytes on all devices' connections, the protocol's framing included.
    public var traffic: Traffic
    /// What FedAvg would have sent and received for as many devices and rounds: the full model down and up, F32.
    public var federatedAveraging: Traffic
    /// How often a device took part in a round.
    public var participations: Int

    public struct Device: Sendable, Codable, Hashable {
        /// Its name.
        public var id: String
        /// The part of the full model's memory that it can afford.
        public var budgetShare: Double
        /// Its budget in bytes.
        public var memory: Int64
        /// The modules of its sub-model, shared parts aside.
        public var modules: Int
        /// Accuracy on its test data with the first sub-model as pulled.
        public var before: Double
        /// After its last adaptation before the drift.
        public var adapted: Double
        /// Whether it got another user's data at the drift.
        public var changedHands: Bool
        /// Of that model on its data after the drift.
        public var drifted: Double?
        /// Whether it told the drift by itself.
        public var toldDrift: Bool?
        /// After its last adaptation.
        public var readapted: Double?
    }

    public struct Round: Sendable, Codable, Hashable {
        /// From 1.
        public var number: Int
        /// The release that it made; the same as before where the trainer made none in time.
        public var release: Int32
        /// Whether the drift lay before it.
        public var afterDrift: Bool
        /// The mean accuracy of the sub-models as pulled.
        public var pulled: Double
        /// The mean accuracy after local training.
        public var adapted: Double
        /// Bytes so far.
        public var traffic: Traffic
        /// What FedAvg would have taken so far.
        public var federatedAveraging: Traffic
    }

    /// How many times fewer bytes than FedAvg.
    public var ratio: Double {
        Double(federatedAveraging.sent + federatedAveraging.received) / Double(max(1, traffic.sent + traffic.received))
    }

    /// Mean accuracy over the rounds, as SVG.
    public var chart: String {
        func points(_ value: (Round) -> Double) -> [LineChart.Point] {
            rounds.map { LineChart.Point(x: Double($0.number), y: 100 * value($0)) }
        }
        let chart = LineChart(
            title: "\(model): \(devices.count) devices", x: PlotAxis("round"), y: PlotAxis("accuracy", unit: .percent),
            series: [
                LineChart.Series(
                    "after local training", style: .init(.blue, emphasised: true), shape: .line(points(\.adapted))),
                LineChart.Series(
                    "as pulled", style: .init(.orange, dash: .dashed, marker: .square), shape: .line(points(\.pulled))),
            ])
        return chart.svg
    }
}
