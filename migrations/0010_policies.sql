-- How the trainer aggregates each model: policies, of which the newest counts. A model without one is trained with the
-- trainer's own settings.

CREATE TABLE eclm.policies (
    policy_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model_id        bigint NOT NULL REFERENCES eclm.models,
    -- Counted by trigger, from 1 for each model.
    revision        integer NOT NULL CHECK (revision >= 1),
    rule            text NOT NULL CHECK (rule ~ '^[a-z0-9_]{1,48}$'),
    -- Numbers by name; docs/trainer.md has those of each rule.
    parameters      jsonb NOT NULL DEFAULT '{}'
        CHECK (jsonb_typeof(parameters) = 'object' AND octet_length(parameters::text) <= 4096
            AND NOT jsonb_path_exists(parameters, '$.* ? (@.type() != "number")')),
    minimum_updates integer NOT NULL CHECK (minimum_updates BETWEEN 1 AND maximum_updates),
    maximum_updates integer NOT NULL CHECK (maximum_updates BETWEEN 1 AND 65536),
    -- Seconds, at most ten years.
    maximum_wait    double precision NOT NULL CHECK (maximum_wait >= 0 AND maximum_wait <= 315360000),
    train_selector  boolean NOT NULL DEFAULT false,
    reason          text NOT NULL DEFAULT eclm.reason() CHECK (length(reason) <= 4096),
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by      text NOT NULL DEFAULT eclm.actor(),
    UNIQUE (model_id, revision)
);

-- Revisions have no gap. Two at once end in a unique violation for one of them.
CREATE FUNCTION eclm.number_policy() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    NEW.revision := coalesce((SELECT max(p.revision) FROM eclm.policies p WHERE p.model_id = NEW.model_id), 0) + 1;
    RETURN NEW;
END $$;
CREATE TRIGGER policies_number BEFORE INSERT ON eclm.policies FOR EACH ROW EXECUTE FUNCTION eclm.number_policy();
CREATE TRIGGER policies_immutable BEFORE UPDATE OR DELETE ON eclm.policies
    FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change();
CREATE TRIGGER policies_keep BEFORE TRUNCATE ON eclm.policies
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change();
CREATE CONSTRAINT TRIGGER policies_audit AFTER INSERT ON eclm.policies
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION eclm.audit_row('policy', 'policy_id');

-- The policy that a round followed; NULL where the trainer's own settings counted.
ALTER TABLE eclm.rounds ADD COLUMN policy_revision integer;
ALTER TABLE eclm.rounds ADD FOREIGN KEY (model_id, policy_revision) REFERENCES eclm.policies (model_id, revision);

-- Trainers look again when a policy changes, and when an update goes back to the queue.
CREATE FUNCTION eclm.notify_policies() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('eclm_policies', NEW.model_id::text);
    RETURN NULL;
END $$;
CREATE TRIGGER policies_notify AFTER INSERT ON eclm.policies FOR EACH ROW EXECUTE FUNCTION eclm.notify_policies();
CREATE TRIGGER updates_notify_again AFTER UPDATE OF status ON eclm.updates FOR EACH ROW
    WHEN (NEW.status = 'pending' AND OLD.status <> 'pending') EXECUTE FUNCTION eclm.notify_updates();

GRANT SELECT ON eclm.policies TO eclm_reader;
-- Number, time and name are the database's.
GRANT INSERT (model_id, rule, parameters, minimum_updates, maximum_updates, maximum_wait, train_selector)
    ON eclm.policies TO eclm_operator;
