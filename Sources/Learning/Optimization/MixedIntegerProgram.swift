import ECLMCore

/// A mixed-integer linear program: maximise a linear objective over bounded variables, some of them whole, subject to
/// linear constraints. Solved by branch and bound with GLPK.
///
/// Checked before GLPK sees it: the library ends the process on inputs that make no sense.
public struct MixedIntegerProgram: Sendable {
    /// The most variables a program may have.
    public static let maximumVariables = 100_000
    /// The most constraints.
    public static let maximumConstraints = 100_000
    /// The most terms of all constraints together.
    public static let maximumTerms = 5_000_000

    /// One unknown.
    public struct Variable: Sendable, Hashable {
        /// What one unit of it adds to the objective.
        public var objective: Double
        /// Where it may lie; finite bounds.
        public var bounds: ClosedRange<Double>
        /// Whether it is a whole number.
        public var isInteger: Bool

        public init(objective: Double, bounds: ClosedRange<Double>, isInteger: Bool) {
            self.objective = objective
            self.bounds = bounds
            self.isInteger = isInteger
        }

        /// A variable that is 0 or 1.
        public static func binary(objective: Double) -> Variable {
            Variable(objective: objective, bounds: 0...1, isInteger: true)
        }
    }

    /// A coefficient of a variable.
    public struct Term: Sendable, Hashable {
        /// The variable's number.
        public var variable: Int
        /// What it is multiplied with.
        public var coefficient: Double

        public init(_ coefficient: Double, of variable: Int) {
            self.variable = variable
            self.coefficient = coefficient
        }
    }

    /// A sum of terms, and where it must lie.
    public struct Constraint: Sendable, Hashable {
        /// The terms; a variable appears in one of them at most.
        public var terms: [Term]
        /// The least value; `nil` for none.
        public var minimum: Double?
        /// The largest value; `nil` for none.
        public var maximum: Double?

        public init(_ terms: [Term], minimum: Double? = nil, maximum: Double? = nil) {
            self.terms = terms
            self.minimum = minimum
            self.maximum = maximum
        }
    }

    /// How a solver found the values, and how good they are.
    public struct Solution: Sendable, Hashable {
        /// The variables' values; whole variables are exactly whole.
        public var values: [Double]
        /// The objective at the values.
        public var objective: Double
        /// Whether no better values exist, up to the relative gap that was asked for.
        public var isOptimal: Bool
    }

    /// When to stop looking.
    public struct Limits: Sendable, Hashable, Codable {
        /// The time to search for, in seconds. A search that is cut short depends on the machine's speed.
        public var seconds: Double
        /// The relative difference to the bound at which a solution counts as optimal.
        public var relativeGap: Double

        public init(seconds: Double = 60, relativeGap: Double = 1e-6) {
            self.seconds = seconds
            self.relativeGap = relativeGap
        }

        enum CodingKeys: String, CodingKey {
            case seconds
            case relativeGap = "relative_gap"
        }
    }

    /// The unknowns.
    public private(set) var variables: [Variable] = []
    public private(set) var constraints: [Constraint] = []

    /// A program without unknowns.
    public init() {}

    /// Adds an unknown.
    ///
    /// - Returns: Its number.
    public mutating func add(_ variable: Variable) -> Int {
        variables.append(variable)
        return variables.count - 1
    }

    /// Adds a constraint.
    public mutating func add(_ constraint: Constraint) { constraints.append(constraint) }

    /// The values that maximise the objective, or the best found within the limits.
    ///
    /// - Throws: ``LearningError`` with `solver`: for a program that makes no sense (bounds or coefficients that are
    ///   not finite, a variable named twice or not at all), one without a solution, and one for which no solution was
    ///   found in time.
    public func maximized(_ limits: Limits = Limits()) throws -> Solution {
        try check(limits)
        guard !variables.isEmpty else { return Solution(values: [], objective: 0, isOptimal: true) }
        return try GLPKSolver.solve(self, limits)
    }

    private func check(_ limits: Limits) throws {
        guard limits.seconds.isFinite, limits.seconds > 0, limits.seconds <= 86_400 else {
            throw Self.refused("the time limit is \(limits.seconds) seconds; it must be above 0 and at most 86400")
        }
        guard limits.relativeGap.isFinite, (0..<1).contains(limits.relativeGap) else {
            throw Self.refused("the relative gap is \(limits.relativeGap); it must be at least 0 and below 1")
        }
        guard variables.count <= Self.maximumVariables, constraints.count <= Self.maximumConstraints else {
            throw Self.refused(
                "\(variables.count) variables and \(constraints.count) constraints; at most \(Self.maximumVariables) "
                    + "and \(Self.maximumConstraints) are allowed")
        }
        for (number, variable) in variables.enumerated() {
            guard variable.objective.isFinite, variable.bounds.lowerBound.isFinite, variable.bounds.upperBound.isFinite
            else {
                throw Self.refused("variable \(number) has an objective or a bound that is not finite")
            }
        }
        var terms = 0
        for (number, constraint) in constraints.enumerated() {
            terms += constraint.terms.count
            guard terms <= Self.maximumTerms else {
                throw Self.refused("the constraints have more than \(Self.maximumTerms) terms")
            }
            try check(constraint, number)
        }
    }

    private func check(_ constraint: Constraint, _ number: Int) throws {
        for bound in [constraint.minimum, constraint.maximum] {
            if let bound, !bound.isFinite {
                throw Self.refused("constraint \(number) has a bound that is not finite; use nil for none")
            }
        }
        if let minimum = constraint.minimum, let maximum = constraint.maximum, minimum > maximum {
            throw Self.refused("constraint \(number) must be at least \(minimum) and at most \(maximum)")
        }
        var seen: Set<Int> = []
        for term in constraint.terms {
            guard variables.indices.contains(term.variable) else {
                throw Self.refused("constraint \(number) names variable \(term.variable) of \(variables.count)")
            }
            guard term.coefficient.isFinite else {
                throw Self.refused("constraint \(number) has a coefficient that is not finite")
            }
            guard seen.insert(term.variable).inserted else {
                throw Self.refused("constraint \(number) names variable \(term.variable) twice")
            }
        }
    }

    static func refused(_ message: String) -> LearningError { LearningError(.solver, message) }
}

extension LearningError.Code {
    /// No values satisfy all constraints.
    public static let infeasible = LearningError.Code(name: "infeasible", exitStatus: .failure)
}
