import ECLMCore

/// JSON from the database, embedded in a document as it is.
struct DetailDocument: Encodable {
    let text: String
    private let value: JSONValue

    init(json: String) {
        text = json
        value = (try? JSONReader().value(of: "the detail", in: json.utf8)) ?? .string(json)
    }

    func encode(to encoder: any Encoder) throws { try value.encode(to: encoder) }
}
