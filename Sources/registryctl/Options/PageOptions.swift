import ArgumentParser
import CommandSupport
import Registry

/// Which part of a listing to print.
struct PageOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("Print at most this many, 1 to \(PageRequest.maximumSize).", valueName: "number"))
    var limit: Int = PageRequest.defaultSize

    @Option(
        name: .long,
        help: ArgumentHelp("Go on after the page that gave this token.", valueName: "token"))
    var pageToken: String = ""

    @Flag(name: .long, help: "Print all pages.")
    var all = false

    func validate() throws {
        guard (1...PageRequest.maximumSize).contains(limit) else {
            throw ValidationError("--limit is \(limit); give 1 to \(PageRequest.maximumSize), or --all")
        }
    }

    /// Fetches the page, or all of them from it on.
    func listing<Item, Document>(
        _ document: (Item) -> Document, _ fetch: (PageRequest) async throws -> Page<Item>
    ) async throws -> Listing<Document> {
        var listing = Listing<Document>(items: [], nextPageToken: pageToken)
        repeat {
            let size = all ? PageRequest.maximumSize : limit
            let page = try await fetch(PageRequest(size: size, token: listing.nextPageToken))
            listing.items += page.items.map(document)
            listing.nextPageToken = page.nextToken
        } while all && !listing.nextPageToken.isEmpty
        return listing
    }
}

/// A part of a listing as a JSON document.
struct Listing<Item: Encodable>: Encodable {
    var items: [Item]
    /// What to give `--page-token` for the next part; empty after the last.
    var nextPageToken: String
}

extension CommandOutput {
    /// Prints a part of a listing, and how to go on where there is more.
    func listing<Item>(
        _ listing: Listing<Item>, columns: [Table.Column], ifEmpty remark: String, row: (Item) -> [String]
    ) throws {
        var table = Table(columns)
        for item in listing.items { table.add(row(item)) }
        try result(listing, table: table, ifEmpty: remark)
        remarkMore(after: listing.nextPageToken)
    }

    /// Says how to go on after a part of a listing; nothing after the last, whose token is empty.
    func remarkMore(after nextPageToken: String) {
        if !nextPageToken.isEmpty { remark("There are more: --page-token \(nextPageToken), or --all.") }
    }
}
