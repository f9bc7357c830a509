import CommandSupport
import ECLMCore
import Foundation
import Registry

struct PrivacyDocument: Encodable {
    var model: String
    var release: Int
    /// Whether ``epsilon`` is a number.
    var isBounded: Bool
    var epsilon: Double?
    var delta: Double?
    var privateEpsilon: Double?
    var devices: Int
    var privateRounds: Int
    var unprotectedRounds: Int
    var noiseMultiplier: Double?
    var clipNorm: Double?

    init(_ record: ReleasePrivacyRecord) {
        model = record.model
        release = record.release
        isBounded = record.epsilon != nil
        epsilon = record.epsilon
        delta = record.delta
        privateEpsilon = record.privateEpsilon
        devices = record.devices
        privateRounds = record.privateRounds
        unprotectedRounds = record.unprotectedRounds
        noiseMultiplier = record.noiseMultiplier
        clipNorm = record.clipNorm
    }

    /// An epsilon for people: three decimals, rounded up, since less would promise too much.
    static func text(_ epsilon: Double) -> String {
        epsilon < 1e12 ? Quantity.decimal((epsilon * 1000).rounded(.up) / 1000, places: 3) : "\(epsilon)"
    }
}
