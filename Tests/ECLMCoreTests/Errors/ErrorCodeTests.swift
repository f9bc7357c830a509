import ECLMCore
import Testing

/// Every code of every ``CodedError`` of the package, as its sources declare it: a static member is found nowhere else.
@Suite("The codes of all errors")
struct ErrorCodeTests {
    /// The programs' contract: how they end on each code.
    private static let contract = """
        AggregationError failure: internal
        AggregationError refused: invalid_lineage invalid_policy invalid_weights unknown_method
        AggregationError verification_failed: damaged_bytes unfit_version
        CompositionError refused: budget candidate_count cost importance incompatible layer_count minimum \
            no_layers overflow unknown_layer
        CompositionError unavailable: undecided
        DatasetError not_found: missing_file
        DatasetError refused: cannot_write invalid_file invalid_settings label_out_of_range not_finite \
            too_few_classes too_few_examples wrong_shape
        DecompositionError failure: output
        DecompositionError refused: invalid_module invalid_specification missing_key missing_tensor \
            non_finite tensor_used_twice too_many_modules unclaimed_tensor unknown_key wrong_shape
        DevelopmentError failure: missing_program program_ended start_failed unusable_directory
        DevelopmentError refused: already_running
        EdgeError failure: cancelled input_output registry_failed storage_full
        EdgeError infeasible: infeasible
        EdgeError not_found: not_found
        EdgeError refused: denied invalid_state invalid_weights refused
        EdgeError unavailable: unavailable
        EdgeError verification_failed: damaged
        ExperimentError failure: aggregation invalid_results output storage unknown_schema unreadable
        ExperimentError infeasible: budget infeasible
        ExperimentError refused: data inconsistent not_ready refused settings
        ExperimentError unavailable: unavailable
        FleetError refused: inconsistent
        FleetError unavailable: unavailable
        JSONError refused: malformed mismatch too_large unknown_key
        LearningError failure: diverged infeasible publication solver tensor
        LearningError infeasible: budget
        LearningError refused: checkpoint data specification
        MonitoringError refused: invalid_address
        MonitoringError unavailable: address_unavailable
        PostgresError failure: decoding notifications_dropped other raised_exception syntax
        PostgresError refused: check_violation connection_refused duplicate_object exclusion_violation foreign_key_violation \
            insufficient_privilege invalid_data not_null_violation session_lent undefined_column undefined_function \
            undefined_table unique_violation usage
        PostgresError unavailable: acquire_timed_out admin_shutdown cancelled connection_failed \
            connection_lost deadlock disk_full lock_not_available plan_invalidated pool_exhausted read_only \
            serialization_failure server_limit statement_cancelled statement_timed_out transaction_aborted
        RegistryError failure: internal_error
        RegistryError not_found: not_found
        RegistryError refused: already_exists failed_precondition invalid_argument permission_denied
        RegistryError unavailable: aborted cancelled resource_exhausted unavailable
        RegistryError verification_failed: data_loss
        SafetensorsError not_found: input_output
        SafetensorsError refused: duplicate_name invalid_header invalid_metadata invalid_name \
            invalid_offsets invalid_shape invalid_write limit_exceeded no_such_tensor not_floating_point \
            trailing_data truncated_data truncated_header unknown_dtype
        TrainerError failure: round_failed
        TrainerError not_found: not_found
        TrainerError refused: invalid_policy invalid_weights permission_denied registry_unfit
        TrainerError unavailable: cancelled conflict unavailable
        UpdateError refused: invalid_fraction invalid_places mismatch not_finite unwritable
        """

    @Test("Each ends a program as its contract says")
    func contract() throws {
        let declared = try Declaration.all()
        let groups = Dictionary(grouping: declared) { "\($0.type) \($0.exitStatus)" }
        let lines = groups.map { "\($0): \($1.map(\.name).sorted().joined(separator: " "))" }.sorted()
        #expect(lines == Self.contract.split(separator: "\n").map { String($0).replacing(/\s+/, with: " ") })
        #expect(declared.count > 100)
    }

    @Test("Each is spelt in snake_case as its member is called, and once in its type")
    func spelling() throws {
        let declared = try Declaration.all()
        for code in declared {
            let words = code.member.replacing(/[A-Z]/) { "_\($0.output.lowercased())" }
            #expect(code.name == words || (code.member, code.name) == ("internal", "internal_error"))
            #expect(code.name.wholeMatch(of: /[a-z]+(_[a-z0-9]+)*/) != nil)
        }
        #expect(Set(declared.map { "\($0.type) \($0.name)" }).count == declared.count)
    }

    @Test("Every error with a code has the one shape")
    func shape() throws {
        let types = Set(try Declaration.all().map(\.type))
        for source in try Source.all() {
            // The codes of a call are the statuses of the wire, numbers that stand in docs/protocol.md.
            for match in source.text.matches(of: /struct (\w+): CodedError/) where match.1 != "RPCError" {
                #expect(types.contains(String(match.1)), "\(source.name) declares no code")
            }
            for match in source.text.matches(of: /struct (\w+): (Swift\.)?Error\b[^{]*\{([^}]*)/) {
                #expect(!match.3.contains(/(var|let) code\b/), "\(match.1) has a code and is no CodedError")
            }
        }
    }
}

/// `static let notFound = Code(name: "not_found", exitStatus: .notFound)`, and where it stands.
private struct Declaration {
    var type: String
    var member: String
    var name: String
    var exitStatus: String

    static func all() throws -> [Declaration] {
        try Source.all().flatMap { source in
            source.text.matches(
                of: /static let `?(\w+)`? = (?:(?:\w+\.)?Code|Self)\(\s*name: "([^"]*)", exitStatus: \.(\w+)\)/
            ).map { match in
                let before = source.text[..<match.range.lowerBound]
                let type = before.matches(of: /(?:struct|extension) (\w+)(?:: CodedError|\.Code)? \{/).last?.1
                let status = match.3.replacing(/[A-Z]/) { "_\($0.output.lowercased())" }
                return Declaration(
                    type: String(type ?? "?"), member: String(match.1), name: String(match.2),
                    exitStatus: String(status))
            }
        }
    }
}
