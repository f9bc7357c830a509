/// Matrices as colours, in a grid of panels: one row of panels a layer, say, and one column a time.
package struct HeatMap: Sendable, Hashable {
    /// The heading.
    package var title: String
    /// The headings of the columns of panels.
    package var columns: [String]
    /// The rows of panels.
    package var rows: [Row]
    /// What a matrix's rows are called, in order.
    package var rowLabels: [String]
    /// What the matrices' columns are: `module`.
    package var columnTitle: String
    /// What the colours are: `mean gate`.
    package var valueTitle: String

    package init(
        title: String, columns: [String], rows: [Row], rowLabels: [String], columnTitle: String, valueTitle: String
    ) {
        self.title = title
        self.columns = columns
        self.rows = rows
        self.rowLabels = rowLabels
        self.columnTitle = columnTitle
        self.valueTitle = valueTitle
    }

    /// A row of panels.
    package struct Row: Sendable, Hashable {
        /// Its name.
        package var title: String
        /// One matrix a column of panels, [row][column], values of at least 0; `nil` leaves the place empty.
        package var matrices: [[[Double]]?]

        package init(_ title: String, matrices: [[[Double]]?]) {
            self.title = title
            self.matrices = matrices
        }
    }
}
