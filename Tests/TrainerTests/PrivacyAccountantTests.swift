import Aggregation
import Foundation
import PostgreSQL
import PythonReference
import TestSupport
import Testing

@Suite("The privacy accountant")
struct PrivacyAccountantTests {
    private struct Case: Codable {
        var noise: Double, rounds: Int, delta: Double
        var rho: Double { Double(rounds) / (2 * noise * noise) }
    }

    private struct Bounds: Decodable {
        /// The Gaussian mechanism's own curve (Balle and Wang 2018): of no accountant less is true.
        var exact: Double
        /// Rényi divergences at a dense grid of orders, converted as Canonne, Kamath and Steinke do.
        var renyi: Double
        /// The conversion of concentrated privacy (Bun and Steinke 2016): looser than both.
        var concentrated: Double
    }

    private static let reference = """
        import json, sys
        import numpy as np
        from scipy.special import log_ndtr
        def exact(mu, delta):
            def value(e):
                return np.exp(log_ndtr(mu / 2 - e / mu)) - np.exp(e + log_ndtr(-mu / 2 - e / mu))
            if value(0.0) <= delta:
                return 0.0
            low, high = 0.0, 1.0
            while value(high) > delta:
                high *= 2
            for _ in range(200):
                middle = (low + high) / 2
                low, high = (middle, high) if value(middle) > delta else (low, middle)
            return high
        def renyi(rho, delta):
            a = 1 + np.logspace(-5, 9, 400001)
            return max(0.0, float(np.min(a * rho + np.log((a - 1) / a) + (-np.log(delta) - np.log(a)) / (a - 1))))
        bounds = []
        for c in json.loads(sys.argv[1]):
            rho = c["rounds"] / (2 * c["noise"] ** 2)
            bounds.append({"exact": exact(np.sqrt(c["rounds"]) / c["noise"], c["delta"]), "renyi": renyi(rho, c["delta"]),
                "concentrated": rho + 2 * np.sqrt(rho * -np.log(c["delta"]))})
        print(json.dumps(bounds))
        """

    @Test("gives what an independent one in NumPy gives, and never less than the mechanism's own curve")
    func reference() async throws {
        var cases: [Case] = []
        for noise in [0.3, 0.5, 1, 1.1, 2, 5, 20, 100, 1000] {
            for rounds in [1, 2, 10, 100, 1000] {
                for delta in [1e-3, 1e-5, 1e-6, 1e-10] {
                    cases.append(Case(noise: noise, rounds: rounds, delta: delta))
                }
            }
        }
        let argument = String(decoding: try JSONEncoder().encode(cases), as: UTF8.self)
        let bounds = try JSONDecoder().decode(
            [Bounds].self, from: Data(try PythonReference.run(Self.reference, argument).utf8))
        try #require(bounds.count == cases.count)
        try await withDatabase { database in
            try await database.withPool(as: .reader) { pool in
                for (example, bound) in zip(cases, bounds) {
                    let epsilon: Double = try await pool.query(
                        "SELECT eclm.privacy_epsilon(\(example.rho), \(example.delta)) AS epsilon"
                    ).one().decode("epsilon")
                    #expect(epsilon >= bound.exact * (1 - 1e-6), "\(example): \(epsilon), \(bound)")
                    #expect(epsilon >= bound.renyi * (1 - 1e-9) - 1e-12, "\(example): \(epsilon), \(bound)")
                    #expect(epsilon <= bound.renyi * 1.003 + 1e-9, "\(example): \(epsilon), \(bound)")
                    #expect(epsilon <= bound.concentrated, "\(example): \(epsilon), \(bound)")
                }
            }
        }
    }
}
