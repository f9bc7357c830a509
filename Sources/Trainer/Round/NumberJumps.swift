import ECLMCore
import PostgreSQL
import Registry

/// The numbers that releases of a model do not have, since the database was restored (`eclm.number_jumps`).
struct NumberJumps: Sendable {
    private var jumps: [(last: Int, first: Int)] = []

    /// None.
    init() {}

    /// The model's, oldest first.
    static func read(of model: ModelID, on connection: PostgresConnection) async throws -> NumberJumps {
        var jumps = NumberJumps()
        let rows = try await connection.query(
            """
            SELECT last_release, first_number FROM eclm.number_jumps
            WHERE model_id = \(model.rawValue) ORDER BY incarnation
            """)
        for row in rows {
            jumps.jumps.append(
                (
                    last: Int(try row.decode("last_release", as: Int32.self)),
                    first: Int(try row.decode("first_number", as: Int32.self))
                ))
        }
        return jumps
    }

    /// Which release it is, counted from 1: its number without those that were left out before it.
    func ordinal(of number: Int) -> Int {
        var left = 0
        var last = 0
        for jump in jumps where jump.first <= number {
            // A second restore before any release was made leaves out numbers behind those of the first.
            left += jump.first - 1 - max(jump.last, last)
            last = jump.first - 1
        }
        return number - left
    }
}
