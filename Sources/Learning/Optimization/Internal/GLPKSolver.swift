import CGLPK
import Synchronization

/// Hands a checked program to GLPK.
enum GLPKSolver {
    /// GLPK keeps its state in one environment a thread, or, built without threads, in one for the process: a solver at a
    /// time is right for both.
    private static let lock = Mutex(())

    static func solve(
        _ program: MixedIntegerProgram, _ limits: MixedIntegerProgram.Limits
    ) throws -> MixedIntegerProgram.Solution {
        try lock.withLock { _ in
            glp_term_out(GLP_OFF)
            guard let problem = glp_create_prob() else {
                throw MixedIntegerProgram.refused("GLPK could not make a problem: no memory is left")
            }
            defer {
                glp_delete_prob(problem)
                glp_free_env()
            }
            load(program, into: problem)
            return try run(program, problem, limits)
        }
    }

    /// GLPK numbers everything from 1, and its arrays hold nothing at 0.
    private static func load(_ program: MixedIntegerProgram, into problem: OpaquePointer) {
        glp_set_obj_dir(problem, GLP_MAX)
        glp_add_cols(problem, Int32(program.variables.count))
        for (number, variable) in program.variables.enumerated() {
            let column = Int32(number + 1)
            let (lower, upper) = (variable.bounds.lowerBound, variable.bounds.upperBound)
            // A double bound needs a proper interval: GLPK ends the process otherwise.
            glp_set_col_bnds(problem, column, lower < upper ? GLP_DB : GLP_FX, lower, upper)
            glp_set_col_kind(problem, column, variable.isInteger ? GLP_IV : GLP_CV)
            glp_set_obj_coef(problem, column, variable.objective)
        }
        guard !program.constraints.isEmpty else { return }
        glp_add_rows(problem, Int32(program.constraints.count))
        for (number, constraint) in program.constraints.enumerated() {
            let row = Int32(number + 1)
            switch (constraint.minimum, constraint.maximum) {
            case (nil, nil): glp_set_row_bnds(problem, row, GLP_FR, 0, 0)
            case (.some(let minimum), nil): glp_set_row_bnds(problem, row, GLP_LO, minimum, 0)
            case (nil, .some(let maximum)): glp_set_row_bnds(problem, row, GLP_UP, 0, maximum)
            case (.some(let minimum), .some(let maximum)):
                glp_set_row_bnds(problem, row, minimum < maximum ? GLP_DB : GLP_FX, minimum, maximum)
            }
            let terms = constraint.terms.filter { $0.coefficient != 0 }
            glp_set_mat_row(
                problem, row, Int32(terms.count), [0] + terms.map { Int32($0.variable + 1) },
                [0] + terms.map(\.coefficient))
        }
    }

    private static func run(
        _ program: MixedIntegerProgram, _ problem: OpaquePointer, _ limits: MixedIntegerProgram.Limits
    ) throws -> MixedIntegerProgram.Solution {
        var parameters = glp_iocp()
        glp_init_iocp(&parameters)
        parameters.msg_lev = GLP_MSG_OFF
        parameters.presolve = GLP_ON
        parameters.tm_lim = Int32(min(limits.seconds * 1000, Double(Int32.max)))
        parameters.mip_gap = limits.relativeGap
        parameters.mir_cuts = GLP_ON
        parameters.cov_cuts = GLP_ON
        let code = glp_intopt(problem, &parameters)
        let status = glp_mip_status(problem)
        guard code == 0 || code == GLP_ETMLIM || code == GLP_EMIPGAP else {
            throw code == GLP_ENOPFS ? infeasible() : MixedIntegerProgram.refused("GLPK failed with code \(code)")
        }
        guard status == GLP_OPT || status == GLP_FEAS else {
            guard code != GLP_ETMLIM else {
                throw MixedIntegerProgram.refused(
                    "no solution was found within \(limits.seconds) seconds; allow more time, or loosen the constraints"
                )
            }
            throw infeasible()
        }
        let values = program.variables.enumerated().map { number, variable in
            let value = glp_mip_col_val(problem, Int32(number + 1))
            return variable.isInteger ? value.rounded() : value
        }
        return MixedIntegerProgram.Solution(
            values: values, objective: zip(values, program.variables).reduce(0) { $0 + $1.0 * $1.1.objective },
            isOptimal: status == GLP_OPT || code == GLP_EMIPGAP)
    }

    private static func infeasible() -> LearningError {
        LearningError(.infeasible, "no values satisfy all constraints of the program; loosen one of them")
    }
}
