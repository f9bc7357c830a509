-- Updates (what devices learned), rounds (what the trainer made of them), lineage (what came from what).

CREATE TABLE eclm.updates (
    update_id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id         text NOT NULL REFERENCES eclm.devices,
    model_id          bigint NOT NULL REFERENCES eclm.models,
    base_release_id   bigint NOT NULL,
    idempotency_key   text NOT NULL CHECK (length(idempotency_key) BETWEEN 1 AND 128),
    -- SHA-256 of the submission in canonical form: tells a replay from a conflict.
    content_digest    eclm.sha256 NOT NULL,
    sample_count      bigint NOT NULL CHECK (sample_count > 0),
    metrics           jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metrics) = 'object'),
    status            eclm.update_status NOT NULL DEFAULT 'pending',
    quarantine_reason text,
    submitted_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    decided_at        timestamptz,
    UNIQUE (device_id, idempotency_key),
    UNIQUE (model_id, update_id),
    FOREIGN KEY (model_id, base_release_id) REFERENCES eclm.releases (model_id, release_id),
    CHECK ((status = 'quarantined') = (quarantine_reason IS NOT NULL)),
    CHECK ((status = 'pending') = (decided_at IS NULL))
);
CREATE INDEX updates_pending ON eclm.updates (model_id, update_id) WHERE status = 'pending';
CREATE INDEX updates_by_device ON eclm.updates (device_id, update_id);
CREATE INDEX updates_quarantined ON eclm.updates (model_id, update_id) WHERE status = 'quarantined';

CREATE TABLE eclm.update_modules (
    update_id       bigint NOT NULL,
    model_id        bigint NOT NULL,
    module_id       bigint NOT NULL,
    base_version_id bigint NOT NULL,
    digest          eclm.sha256 NOT NULL REFERENCES eclm.blobs,
    encoding        text NOT NULL DEFAULT 'full' CHECK (encoding ~ '^[a-z0-9_]{1,32}$'),
    importance      eclm.importance NOT NULL,
    sample_count    bigint NOT NULL CHECK (sample_count > 0),
    PRIMARY KEY (update_id, module_id),
    FOREIGN KEY (model_id, update_id) REFERENCES eclm.updates (model_id, update_id),
    FOREIGN KEY (model_id, module_id) REFERENCES eclm.modules (model_id, module_id),
    FOREIGN KEY (module_id, base_version_id) REFERENCES eclm.module_versions (module_id, module_version_id)
);
CREATE INDEX update_modules_by_digest ON eclm.update_modules (digest);
CREATE INDEX update_modules_by_base ON eclm.update_modules (base_version_id);
CREATE TRIGGER update_modules_immutable BEFORE UPDATE OR DELETE ON eclm.update_modules
    FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change();

CREATE FUNCTION eclm.check_update_change() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(NEW) - '{status,quarantine_reason,decided_at}'::text[]
        <> to_jsonb(OLD) - '{status,quarantine_reason,decided_at}'::text[] THEN
        RAISE EXCEPTION 'what a device submitted is immutable: change of update % refused', OLD.update_id
            USING ERRCODE = 'EC001';
    END IF;
    IF OLD.status = 'aggregated' OR (OLD.status = 'quarantined' AND NEW.status <> 'pending') THEN
        RAISE EXCEPTION 'update % is % and cannot become %', OLD.update_id, OLD.status, NEW.status
            USING ERRCODE = 'EC001';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER updates_change BEFORE UPDATE ON eclm.updates FOR EACH ROW EXECUTE FUNCTION eclm.check_update_change();
CREATE TRIGGER updates_immutable BEFORE DELETE ON eclm.updates FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change();
CREATE TRIGGER updates_keep BEFORE TRUNCATE ON eclm.updates
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change();
CREATE TRIGGER update_modules_keep BEFORE TRUNCATE ON eclm.update_modules
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change();

CREATE FUNCTION eclm.notify_updates() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('eclm_updates', NEW.model_id::text);
    RETURN NULL;
END $$;
CREATE TRIGGER updates_notify AFTER INSERT ON eclm.updates FOR EACH ROW EXECUTE FUNCTION eclm.notify_updates();

CREATE TABLE eclm.rounds (
    round_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model_id        bigint NOT NULL REFERENCES eclm.models,
    number          integer NOT NULL CHECK (number >= 1),
    base_release_id bigint NOT NULL,
    rule            text NOT NULL CHECK (rule ~ '^[a-z0-9_]{1,64}$'),
    trainer         text NOT NULL,
    started_at      timestamptz NOT NULL,
    committed_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (model_id, number),
    UNIQUE (model_id, round_id),
    FOREIGN KEY (model_id, base_release_id) REFERENCES eclm.releases (model_id, release_id)
);
ALTER TABLE eclm.module_versions ADD FOREIGN KEY (round_id) REFERENCES eclm.rounds;
ALTER TABLE eclm.releases ADD FOREIGN KEY (round_id) REFERENCES eclm.rounds;

-- An update counts at most once, in one round: its primary key is the update.
CREATE TABLE eclm.round_updates (
    update_id bigint PRIMARY KEY,
    model_id  bigint NOT NULL,
    round_id  bigint NOT NULL,
    FOREIGN KEY (model_id, update_id) REFERENCES eclm.updates (model_id, update_id),
    FOREIGN KEY (model_id, round_id) REFERENCES eclm.rounds (model_id, round_id)
);
CREATE INDEX round_updates_by_round ON eclm.round_updates (round_id);

-- A version's parents: the version it was trained from (base) and the updates folded into it (contribution).
CREATE TABLE eclm.lineage (
    module_version_id bigint NOT NULL REFERENCES eclm.module_versions,
    parent_version_id bigint REFERENCES eclm.module_versions,
    update_id         bigint REFERENCES eclm.updates,
    -- The contribution's normalised weight in the aggregate; 1 for a base.
    weight            double precision NOT NULL CHECK (weight >= 0 AND weight <= 1),
    CHECK (num_nonnulls(parent_version_id, update_id) = 1),
    CHECK (parent_version_id < module_version_id)
);
CREATE UNIQUE INDEX lineage_of_version ON eclm.lineage (module_version_id, parent_version_id, update_id) NULLS NOT DISTINCT;
CREATE INDEX lineage_of_parent ON eclm.lineage (parent_version_id) WHERE parent_version_id IS NOT NULL;
CREATE INDEX lineage_of_update ON eclm.lineage (update_id) WHERE update_id IS NOT NULL;

DO $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['rounds', 'round_updates', 'lineage'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON eclm.%I FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change()',
            table_name || '_immutable', table_name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON eclm.%I FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change()',
            table_name || '_keep', table_name);
    END LOOP;
END $$;

-- An aggregated update is in a round and the other way round, at every commit.
CREATE FUNCTION eclm.check_update_counted() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status = 'aggregated' AND NOT EXISTS (SELECT FROM eclm.round_updates WHERE update_id = NEW.update_id) THEN
        RAISE EXCEPTION 'update % is aggregated but in no round', NEW.update_id USING ERRCODE = 'EC002';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER updates_counted AFTER UPDATE ON eclm.updates
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION eclm.check_update_counted();

CREATE FUNCTION eclm.check_round_update() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM eclm.updates WHERE update_id = NEW.update_id AND status = 'aggregated') THEN
        RAISE EXCEPTION 'update % is in round % but not aggregated', NEW.update_id, NEW.round_id USING ERRCODE = 'EC002';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER round_updates_counted AFTER INSERT ON eclm.round_updates
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION eclm.check_round_update();
