/// Arithmetic on costs that stops at the largest number instead of trapping: shapes come from files.
enum Count {
    static func product(_ factors: Int...) -> Int64 {
        var product: Int64 = 1
        for factor in factors {
            let (next, overflow) = product.multipliedReportingOverflow(by: Int64(factor))
            if overflow { return .max }
            product = next
        }
        return product
    }

    static func sum(_ terms: Int64...) -> Int64 { sum(terms) }

    static func sum(_ terms: [Int64]) -> Int64 {
        var sum: Int64 = 0
        for term in terms {
            let (next, overflow) = sum.addingReportingOverflow(term)
            if overflow { return .max }
            sum = next
        }
        return sum
    }
}
