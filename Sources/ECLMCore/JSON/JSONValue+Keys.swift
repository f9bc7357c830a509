extension JSONValue {
    /// The value of a member of an object.
    package subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key == key }?.value
    }

    /// Refuses keys that `known`, a document of the same form with every key there is, does not have. The elements of an
    /// array may have the keys of any element of the known one.
    ///
    /// A misspelt key would otherwise silently mean its default.
    package func refuseKeys(
        unknownTo known: JSONValue, of what: String, at path: String = ""
    ) throws(JSONError) {
        switch (self, known) {
        case (.object(let members), .object(let knownMembers)):
            for member in members {
                let place = path.isEmpty ? member.key : "\(path).\(member.key)"
                guard let knownValue = knownMembers.first(where: { $0.key == member.key })?.value else {
                    throw JSONError(
                        .unknownKey,
                        "\(what) has no key \(place); known are \(knownMembers.map(\.key).sorted().joined(separator: ", "))"
                    )
                }
                try member.value.refuseKeys(unknownTo: knownValue, of: what, at: place)
            }
        case (.array(let values), .array(let knownValues)):
            let known = JSONValue.object(Self.merged(knownValues))
            for value in values { try value.refuseKeys(unknownTo: known, of: what, at: path) }
        default: break
        }
    }

    private static func merged(_ values: [JSONValue]) -> [(key: String, value: JSONValue)] {
        var members: [(key: String, value: JSONValue)] = []
        for case .object(let more) in values {
            members += more.filter { member in !members.contains { $0.key == member.key } }
        }
        return members
    }
}
