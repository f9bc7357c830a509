-- Server optimizers, rounds by quorum of a module, and rounds by command.

-- How a round's aggregate becomes a version, and when a round begins because of one module.
ALTER TABLE eclm.policies
    ADD COLUMN optimizer text NOT NULL DEFAULT 'none' CHECK (optimizer ~ '^[a-z0-9_]{1,48}$'),
    -- Numbers by name; docs/trainer.md has those of each optimizer.
    ADD COLUMN optimizer_parameters jsonb NOT NULL DEFAULT '{}'
        CHECK (jsonb_typeof(optimizer_parameters) = 'object' AND octet_length(optimizer_parameters::text) <= 4096
            AND NOT jsonb_path_exists(optimizer_parameters, '$.* ? (@.type() != "number")')),
    -- Updates of one module that make a round worth while, however few others there are; 0 for none.
    ADD COLUMN quorum integer NOT NULL DEFAULT 0 CHECK (quorum BETWEEN 0 AND maximum_updates);
GRANT INSERT (optimizer, optimizer_parameters, quorum) ON eclm.policies TO eclm_operator;

-- What an optimizer remembers, kept with the version that it made: whoever builds on that version goes on from there, so
-- a rollback rolls it back as well.
CREATE TABLE eclm.optimizer_states (
    module_version_id   bigint PRIMARY KEY REFERENCES eclm.module_versions,
    optimizer           text NOT NULL CHECK (optimizer ~ '^[a-z0-9_]{1,48}$'),
    -- Steps since the optimizer began.
    step                integer NOT NULL CHECK (step >= 1),
    -- The version whose state it went on from; NULL where it began.
    previous_version_id bigint REFERENCES eclm.optimizer_states,
    digest              eclm.sha256 NOT NULL,
    bytes               bigint NOT NULL,
    FOREIGN KEY (digest, bytes) REFERENCES eclm.blobs (digest, size),
    CHECK ((step = 1) = (previous_version_id IS NULL)),
    CHECK (previous_version_id < module_version_id)
);
CREATE INDEX optimizer_states_by_digest ON eclm.optimizer_states (digest);
CREATE INDEX optimizer_states_by_previous ON eclm.optimizer_states (previous_version_id);
CREATE TRIGGER optimizer_states_immutable BEFORE UPDATE OR DELETE ON eclm.optimizer_states
    FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change();
CREATE TRIGGER optimizer_states_keep BEFORE TRUNCATE ON eclm.optimizer_states
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change();

-- Somebody asks for a round of whatever waits. A trainer answers each request once: with a round, or with why there is none.
CREATE TABLE eclm.round_requests (
    round_request_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model_id         bigint NOT NULL REFERENCES eclm.models,
    reason           text NOT NULL DEFAULT eclm.reason() CHECK (length(reason) <= 4096),
    requested_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    requested_by     text NOT NULL DEFAULT eclm.actor(),
    answered_at      timestamptz,
    answer           text CHECK (length(answer) BETWEEN 1 AND 1000),
    round_id         bigint,
    FOREIGN KEY (model_id, round_id) REFERENCES eclm.rounds (model_id, round_id),
    CHECK ((answered_at IS NULL) = (answer IS NULL)),
    CHECK (round_id IS NULL OR answered_at IS NOT NULL)
);
CREATE INDEX round_requests_open ON eclm.round_requests (model_id) WHERE answered_at IS NULL;
CREATE TRIGGER round_requests_immutable BEFORE DELETE OR UPDATE OF model_id, reason, requested_at, requested_by
    ON eclm.round_requests FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change();
CREATE TRIGGER round_requests_answered BEFORE UPDATE ON eclm.round_requests
    FOR EACH ROW WHEN (OLD.answered_at IS NOT NULL) EXECUTE FUNCTION eclm.refuse_change();
CREATE TRIGGER round_requests_keep BEFORE TRUNCATE ON eclm.round_requests
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change();
CREATE CONSTRAINT TRIGGER round_requests_audit AFTER INSERT ON eclm.round_requests
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION eclm.audit_row('round_request', 'round_request_id');

CREATE FUNCTION eclm.notify_round_requests() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('eclm_round_requests', NEW.model_id::text);
    RETURN NULL;
END $$;
CREATE TRIGGER round_requests_notify AFTER INSERT ON eclm.round_requests
    FOR EACH ROW EXECUTE FUNCTION eclm.notify_round_requests();

GRANT SELECT ON eclm.optimizer_states, eclm.round_requests TO eclm_reader;
GRANT INSERT ON eclm.optimizer_states TO eclm_trainer;
-- Time and name are the database's, the answer is the trainer's.
GRANT INSERT (model_id) ON eclm.round_requests TO eclm_operator;
GRANT UPDATE (answered_at, answer, round_id) ON eclm.round_requests TO eclm_trainer;
