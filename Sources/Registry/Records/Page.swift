/// Which part of a listing to give: keyset paging, so that the last page costs what the first does.
public struct PageRequest: Sendable, Hashable {
    /// The most items a page holds.
    public static let maximumSize = 1000
    /// The items of a page when nobody says.
    public static let defaultSize = 100

    /// Items wanted, 1 to ``maximumSize``.
    public var size: Int
    /// The token that the page before gave; empty for the first.
    public var token: String

    /// A page of `size` items after the page that gave `token`.
    ///
    /// - Throws: ``RegistryError`` with `invalidArgument` when `size` is negative or above ``maximumSize``; 0 stands for
    ///   ``defaultSize``.
    public init(size: Int = 0, token: String = "") throws(RegistryError) {
        guard (0...Self.maximumSize).contains(size) else {
            throw RegistryError(.invalidArgument, "page size \(size) is not in 0...\(Self.maximumSize)")
        }
        guard token.utf8.count <= 512 else {
            throw RegistryError(.invalidArgument, "the page token is not one that this listing gave")
        }
        self.size = size == 0 ? Self.defaultSize : size
        self.token = token
    }

    private init() {
        size = Self.defaultSize
        token = ""
    }

    /// The first page at the default size.
    public static let first = PageRequest()

    /// The token as the number it must be in listings keyed by number; `nil` for the first page.
    func numberToken() throws(RegistryError) -> Int64? {
        if token.isEmpty { return nil }
        guard let number = Int64(token) else {
            throw RegistryError(.invalidArgument, "the page token is not one that this listing gave")
        }
        return number
    }
}

/// One page of a listing.
public struct Page<Item: Sendable>: Sendable {
    /// The items, at most as many as were asked for.
    public var items: [Item]
    /// What to ask the next page with; empty after the last.
    public var nextToken: String

    /// A page from `rows`, read with one more than `size` to tell whether there are more.
    init(rows: [Item], size: Int, token: (Item) -> String) {
        items = Array(rows.prefix(size))
        nextToken = rows.count > size ? items.last.map(token) ?? "" : ""
    }
}
