package import ECLMCore
import PostgreSQL

extension PostgresRow {
    package func slot() throws -> ModuleSlot {
        ModuleSlot(
            kind: try word("kind", "module kind"), layer: try decode("layer", as: Int32?.self).map(Int.init),
            index: Int(try decode("index", as: Int32.self)))
    }

    /// The value of an enum of the database, such as an origin.
    ///
    /// - Parameter what: What the error calls it.
    func word<Word: RawRepresentable<String>>(_ column: String, _ what: String) throws -> Word {
        let text: String = try decode(column)
        guard let word = Word(rawValue: text) else {
            throw RegistryError(
                .internal, "\(what) \(text) in the database is not known to this program; update the program")
        }
        return word
    }

    func updateStatus() throws -> UpdateStatus { try word("status", "update status") }

    // Not inlined: Swift 6.3 crashes on a typed error within an asynchronous function, when it optimises.
    @inline(never)
    package func digest(_ column: String) throws -> Digest {
        try Digest(bytes: try decode(column, as: [UInt8].self))
    }

    func json<T: Decodable>(_ column: String, as type: T.Type) throws -> T {
        try JSONReader().decode(type, of: "the column \(column)", from: try decode(column, as: JSONText.self).text.utf8)
    }

    func costs() throws -> ModuleCosts {
        ModuleCosts(
            bytes: try decode("bytes"), parameters: try decode("parameters"), flops: try decode("flops"),
            peakMemory: try decode("peak_memory"))
    }

    func requirements() throws -> Requirements {
        Requirements(
            dtypes: try dtypes(), operators: Set(try decode("operators", as: [String].self)),
            minimumRuntime: try runtime("minimum_runtime"))
    }

    func dtypes() throws -> Set<ElementType> {
        var dtypes: Set<ElementType> = []
        for name in try decode("dtypes", as: [String].self) {
            guard let dtype = ElementType(rawValue: name) else {
                throw RegistryError(.internal, "dtype \(name) in the database is not known to this program")
            }
            dtypes.insert(dtype)
        }
        return dtypes
    }

    func runtime(_ column: String) throws -> RuntimeVersion {
        let parts = try decode(column, as: [Int32].self)
        guard parts.count == 3 else { throw RegistryError(.internal, "\(column) in the database has no three parts") }
        return RuntimeVersion(parts[0], parts[1], parts[2])
    }
}

extension PostgresResult {
    /// A column's digests, row by row.
    @inline(never)
    func digests(_ column: String) throws -> [Digest] { try map { try $0.digest(column) } }
}
