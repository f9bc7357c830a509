import CommandSupport
import Foundation
import Registry
import RegistryPrograms

struct CanaryDocument: Encodable {
    struct Arm: Encodable {
        var release: Int
        var observations: Int64
        var mean: Double?
        var standardDeviation: Double?

        init(_ release: Int, _ arm: CanaryArm) {
            self.release = release
            observations = arm.observations
            mean = arm.observations > 0 ? arm.mean : nil
            standardDeviation = arm.observations > 1 ? arm.standardDeviation : nil
        }
    }

    struct Evidence: Encodable {
        var logEValue: Double
        var needed: Double

        init(_ evidence: (logEValue: Double, needed: Double)) {
            (logEValue, needed) = (evidence.logEValue, evidence.needed)
        }

        /// As numbers that people know: e-values and not their logarithms.
        var text: String { "e-value \(Self.short(exp(logEValue))) of \(Self.short(exp(needed))) needed" }

        private static func short(_ value: Double) -> String { String(format: "%.4g", value) }
    }

    var canary: Int64
    var model: String
    var channel: String
    var state: String
    var share: Double
    var metric: String
    var better: String
    var range: [Double]
    var margin: Double
    var alpha: Double
    var beta: Double
    var minimumObservations: Int
    var candidate: Arm
    var control: Arm
    var blocks: Int64
    var promotion: Evidence
    var rollback: Evidence
    var reason: String
    var startedAt: Timestamp
    var startedBy: String
    var deadline: Timestamp
    var decidedAt: Timestamp?
    var decidedBy: String?
    var decision: String?

    init(_ record: CanaryRecord) {
        let settings = record.settings
        canary = record.canaryID
        model = record.model
        channel = settings.channel
        state = record.state.rawValue
        share = settings.share
        metric = settings.metric
        better = settings.lowerIsBetter ? "lower" : "higher"
        range = [settings.range.lowerBound, settings.range.upperBound]
        margin = settings.margin
        alpha = settings.alpha
        beta = settings.beta
        minimumObservations = settings.minimumObservations
        candidate = Arm(settings.candidate, record.test.candidate)
        control = Arm(record.control, record.test.control)
        blocks = record.test.blocks
        promotion = Evidence(record.test.promotion)
        rollback = Evidence(record.test.rollback)
        reason = record.reason
        startedAt = Timestamp(record.startedAt)
        startedBy = record.startedBy
        deadline = Timestamp(record.deadline)
        decidedAt = record.decidedAt.map { Timestamp($0) }
        decidedBy = record.decidedBy
        decision = record.decision
    }

    private static func text(_ arm: Arm) -> String {
        let mean = arm.mean.map { ", mean " + String(format: "%.5g", $0) } ?? ""
        let deviation = arm.standardDeviation.map { ", standard deviation " + String(format: "%.3g", $0) } ?? ""
        return "release \(arm.release), \(arm.observations) devices\(mean)\(deviation)"
    }

    var fields: FieldList {
        var fields = FieldList()
        fields.add("canary", "\(canary) of \(model) \(channel)")
        fields.add("state", state)
        fields.add("share", Figure.number(share))
        fields.add(
            "metric",
            "\(metric), \(better) is better, \(Figure.number(range[0])) to \(Figure.number(range[1])), "
                + "margin \(Figure.number(margin))")
        fields.add("candidate", Self.text(candidate))
        fields.add("control", Self.text(control))
        fields.add("to promote", promotion.text + ", alpha \(Figure.number(alpha))")
        fields.add("to roll back", rollback.text + ", beta \(Figure.number(beta))")
        fields.add("at least", "\(minimumObservations) devices of each")
        fields.add("started", "\(startedAt.brief) by \(startedBy)")
        fields.add("reason", reason)
        fields.add("deadline", deadline.brief)
        fields.add("decided", decidedAt.map { "\($0.brief) by \(decidedBy ?? "")" })
        fields.add("decision", decision)
        return fields
    }
}
