// Written from migrations/ by make migrations; change nothing here.

enum EmbeddedMigrations {
    /// The files of migrations/ in order, from number 1: name and text.
    static let files: [(name: String, text: String)] = [
        ("schema_and_roles", #"""
-- The schema, its words as types, the roles, and the functions that every later file uses.

CREATE SCHEMA eclm;
COMMENT ON SCHEMA eclm IS 'Registry of modular models: versions, lineage, releases, updates, audit.';

-- Group roles with least privilege; logins are granted membership. Roles belong to the cluster, so another
-- database of the same cluster may have made them already.
DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['eclm_reader', 'eclm_device', 'eclm_publisher', 'eclm_trainer', 'eclm_operator'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- another database's migration made it in the same instant
        END;
    END LOOP;
END $$;

CREATE DOMAIN eclm.name AS text
    CHECK (VALUE ~ '^[a-z0-9][a-z0-9._-]{0,127}$');
CREATE DOMAIN eclm.device_name AS text
    CHECK (VALUE ~ '^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$');
CREATE DOMAIN eclm.sha256 AS bytea
    CHECK (octet_length(VALUE) = 32);
CREATE DOMAIN eclm.runtime_version AS integer[]
    CHECK (array_length(VALUE, 1) = 3 AND 0 <= ALL (VALUE));
-- Finite and not negative: NaN sorts above Infinity, so one comparison refuses both.
CREATE DOMAIN eclm.importance AS double precision
    CHECK (VALUE >= 0 AND VALUE < 'Infinity');

CREATE TYPE eclm.module_kind AS ENUM ('expert', 'bypass', 'stem', 'head', 'selector');
CREATE TYPE eclm.origin AS ENUM ('publish', 'round', 'rollback');
CREATE TYPE eclm.update_status AS ENUM ('pending', 'aggregated', 'quarantined');
CREATE TYPE eclm.channel_action AS ENUM ('create', 'publish', 'round', 'rollback', 'move');

-- Who acts: a program names the person or service it acts for with SET LOCAL eclm.actor; else the login.
CREATE FUNCTION eclm.actor() RETURNS text
    LANGUAGE sql STABLE
    RETURN coalesce(nullif(current_setting('eclm.actor', true), ''), session_user::text);

-- Why: the reason an operator gave, with SET LOCAL eclm.reason.
CREATE FUNCTION eclm.reason() RETURNS text
    LANGUAGE sql STABLE
    RETURN coalesce(current_setting('eclm.reason', true), '');

CREATE FUNCTION eclm.refuse_change() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of eclm.% are immutable: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'EC001', HINT = 'Publish a new version or release instead; nothing is overwritten.';
END $$;

"""#),
        ("models_and_versions", #"""
-- Models, their layers and modules, the blobs, and the immutable module versions.

CREATE TABLE eclm.models (
    model_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       eclm.name NOT NULL UNIQUE,
    summary    text NOT NULL DEFAULT '' CHECK (length(summary) <= 4096),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by text NOT NULL DEFAULT eclm.actor()
);

CREATE TABLE eclm.module_layers (
    model_id        bigint NOT NULL REFERENCES eclm.models,
    layer           integer NOT NULL CHECK (layer BETWEEN 0 AND 255),
    name            text NOT NULL CHECK (length(name) BETWEEN 1 AND 256),
    block           text NOT NULL CHECK (length(block) BETWEEN 1 AND 64),
    PRIMARY KEY (model_id, layer)
);

CREATE TABLE eclm.modules (
    module_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model_id  bigint NOT NULL REFERENCES eclm.models,
    kind      eclm.module_kind NOT NULL,
    layer     integer,
    index     integer NOT NULL CHECK (index BETWEEN 0 AND 16383),
    name      eclm.name NOT NULL,
    UNIQUE (model_id, name),
    UNIQUE (model_id, module_id),
    FOREIGN KEY (model_id, layer) REFERENCES eclm.module_layers,
    CHECK ((kind IN ('expert', 'bypass')) = (layer IS NOT NULL))
);
CREATE UNIQUE INDEX modules_of_layer ON eclm.modules (model_id, layer, index) WHERE layer IS NOT NULL;
CREATE UNIQUE INDEX modules_shared ON eclm.modules (model_id, kind, index) WHERE layer IS NULL;

-- Content-addressed bytes. A blob row seals its chunks: they are written first, under a storage_id of their own, and
-- what has no blob row is invisible.
CREATE SEQUENCE eclm.blob_storage_ids AS bigint;

CREATE TABLE eclm.blobs (
    digest     eclm.sha256 PRIMARY KEY,
    size       bigint NOT NULL CHECK (size >= 0),
    store      text NOT NULL DEFAULT 'postgresql' CHECK (store ~ '^[a-z0-9_-]{1,32}$'),
    storage_id bigint NOT NULL UNIQUE DEFAULT nextval('eclm.blob_storage_ids'),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- When somebody last brought the bytes and was told that they are here: until a grace period later, garbage
    -- collection leaves a blob alone that nothing refers to yet.
    wanted_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (digest, size)
);

CREATE TABLE eclm.blob_chunks (
    storage_id bigint NOT NULL,
    number     integer NOT NULL CHECK (number >= 0),
    data       bytea NOT NULL CHECK (octet_length(data) BETWEEN 1 AND 1048576),
    PRIMARY KEY (storage_id, number)
);
-- Weights do not compress, and an uncompressed external value can be read by the slice.
ALTER TABLE eclm.blob_chunks ALTER COLUMN data SET STORAGE EXTERNAL;

CREATE TABLE eclm.blob_uploads (
    upload_id  uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    storage_id bigint NOT NULL UNIQUE DEFAULT nextval('eclm.blob_storage_ids'),
    digest     eclm.sha256 NOT NULL,
    size       bigint NOT NULL CHECK (size > 0),
    received   bigint NOT NULL DEFAULT 0 CHECK (received BETWEEN 0 AND size),
    uploader   text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (uploader, digest)
);
CREATE INDEX blob_uploads_by_age ON eclm.blob_uploads (updated_at);

CREATE FUNCTION eclm.check_blob_chunk() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM eclm.blobs WHERE storage_id = coalesce(NEW.storage_id, OLD.storage_id)) THEN
        RAISE EXCEPTION 'the chunks of a sealed blob are immutable: % refused', TG_OP USING ERRCODE = 'EC001';
    END IF;
    RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER blob_chunks_sealed BEFORE INSERT OR UPDATE OR DELETE ON eclm.blob_chunks
    FOR EACH ROW EXECUTE FUNCTION eclm.check_blob_chunk();

CREATE FUNCTION eclm.check_blob() RETURNS trigger
    LANGUAGE plpgsql AS $$
DECLARE
    total bigint;
    chunks bigint;
    highest integer;
BEGIN
    IF NEW.store <> 'postgresql' THEN
        RETURN NEW;
    END IF;
    SELECT coalesce(sum(octet_length(data)), 0), count(*), coalesce(max(number), -1)
        INTO total, chunks, highest FROM eclm.blob_chunks WHERE storage_id = NEW.storage_id;
    IF total <> NEW.size OR chunks <> highest + 1 THEN
        RAISE EXCEPTION 'blob sha256:% has % of % bytes in % chunks: it cannot be sealed',
            encode(NEW.digest, 'hex'), total, NEW.size, chunks USING ERRCODE = 'EC002';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER blobs_whole BEFORE INSERT ON eclm.blobs FOR EACH ROW EXECUTE FUNCTION eclm.check_blob();
CREATE TRIGGER blobs_immutable BEFORE UPDATE OF digest, size, store, storage_id, created_at ON eclm.blobs
    FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change();
CREATE TRIGGER blobs_keep BEFORE TRUNCATE ON eclm.blobs
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change();
CREATE TRIGGER blob_chunks_keep BEFORE TRUNCATE ON eclm.blob_chunks
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change();

CREATE TABLE eclm.module_versions (
    module_version_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model_id          bigint NOT NULL,
    module_id         bigint NOT NULL,
    version           integer NOT NULL CHECK (version >= 1),
    digest            eclm.sha256 NOT NULL,
    dtype             text NOT NULL,
    tensors           jsonb NOT NULL CHECK (jsonb_typeof(tensors) = 'array'),
    bytes             bigint NOT NULL,
    parameters        bigint NOT NULL CHECK (parameters >= 0),
    flops             bigint NOT NULL CHECK (flops >= 0),
    peak_memory       bigint NOT NULL CHECK (peak_memory >= 0),
    origin            eclm.origin NOT NULL CHECK (origin IN ('publish', 'round')),
    round_id          bigint,
    created_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by        text NOT NULL DEFAULT eclm.actor(),
    UNIQUE (module_id, version),
    UNIQUE (module_id, module_version_id),
    FOREIGN KEY (model_id, module_id) REFERENCES eclm.modules (model_id, module_id),
    FOREIGN KEY (digest, bytes) REFERENCES eclm.blobs (digest, size),
    CHECK ((origin = 'round') = (round_id IS NOT NULL))
);
CREATE INDEX module_versions_by_digest ON eclm.module_versions (digest);
CREATE INDEX module_versions_by_round ON eclm.module_versions (round_id) WHERE round_id IS NOT NULL;

-- What a device needs to run a version: the version's device-compatibility metadata.
CREATE TABLE eclm.requirements (
    module_version_id bigint PRIMARY KEY REFERENCES eclm.module_versions,
    dtypes            text[] NOT NULL DEFAULT '{}',
    operators         text[] NOT NULL DEFAULT '{}',
    minimum_runtime   eclm.runtime_version NOT NULL DEFAULT '{0,0,0}'
);

DO $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['models', 'module_layers', 'modules', 'module_versions', 'requirements'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON eclm.%I FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change()',
            table_name || '_immutable', table_name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON eclm.%I FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change()',
            table_name || '_keep', table_name);
    END LOOP;
END $$;

"""#),
        ("releases_and_channels", #"""
-- Releases (what devices compose from), channels (names that point to them), withdrawals (what was rolled back).

CREATE TABLE eclm.releases (
    release_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model_id          bigint NOT NULL REFERENCES eclm.models,
    number            integer NOT NULL CHECK (number >= 1),
    parent_release_id bigint,
    origin            eclm.origin NOT NULL,
    round_id          bigint UNIQUE,
    reason            text NOT NULL DEFAULT eclm.reason() CHECK (length(reason) <= 4096),
    created_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by        text NOT NULL DEFAULT eclm.actor(),
    -- Modules join a release in the transaction that makes it, and never later.
    created_in        xid8 NOT NULL DEFAULT pg_current_xact_id(),
    UNIQUE (model_id, number),
    UNIQUE (model_id, release_id),
    FOREIGN KEY (model_id, parent_release_id) REFERENCES eclm.releases (model_id, release_id),
    CHECK ((origin = 'round') = (round_id IS NOT NULL)),
    CHECK (origin <> 'rollback' OR parent_release_id IS NOT NULL)
);

CREATE TABLE eclm.release_modules (
    release_id        bigint NOT NULL,
    model_id          bigint NOT NULL,
    module_id         bigint NOT NULL,
    module_version_id bigint NOT NULL,
    -- The default importance, for devices that send none.
    importance        eclm.importance NOT NULL,
    PRIMARY KEY (release_id, module_id),
    FOREIGN KEY (model_id, release_id) REFERENCES eclm.releases (model_id, release_id),
    FOREIGN KEY (model_id, module_id) REFERENCES eclm.modules (model_id, module_id),
    FOREIGN KEY (module_id, module_version_id) REFERENCES eclm.module_versions (module_id, module_version_id)
);
CREATE INDEX release_modules_by_version ON eclm.release_modules (module_version_id);

CREATE FUNCTION eclm.check_release_open() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM new_rows n JOIN eclm.releases r USING (release_id) WHERE r.created_in <> pg_current_xact_id()) THEN
        RAISE EXCEPTION 'a committed release is immutable: no module can join it'
            USING ERRCODE = 'EC001', HINT = 'Make a new release instead.';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER release_modules_open AFTER INSERT ON eclm.release_modules
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION eclm.check_release_open();

-- Whoever makes a release cannot name another transaction, in which modules could join it later.
CREATE FUNCTION eclm.stamp_release() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    NEW.created_in := pg_current_xact_id();
    RETURN NEW;
END $$;
CREATE TRIGGER releases_stamp BEFORE INSERT ON eclm.releases FOR EACH ROW EXECUTE FUNCTION eclm.stamp_release();

-- Complete: one version of every module of the model, and no layer without a module.
CREATE FUNCTION eclm.check_release_complete() RETURNS trigger
    LANGUAGE plpgsql AS $$
DECLARE
    missing text;
BEGIN
    SELECT string_agg(m.name, ', ' ORDER BY m.module_id) INTO missing
        FROM (SELECT module_id, name FROM eclm.modules WHERE model_id = NEW.model_id
              AND module_id NOT IN (SELECT module_id FROM eclm.release_modules WHERE release_id = NEW.release_id)
              LIMIT 10) m;
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'release % is incomplete: no version of %', NEW.number, missing
            USING ERRCODE = 'EC002', HINT = 'A release names one version of every module of its model.';
    END IF;
    SELECT string_agg(l.layer::text, ', ' ORDER BY l.layer) INTO missing FROM eclm.module_layers l
        WHERE l.model_id = NEW.model_id
        AND NOT EXISTS (SELECT FROM eclm.modules m WHERE m.model_id = l.model_id AND m.layer = l.layer);
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'release % is incomplete: layer % has no module', NEW.number, missing USING ERRCODE = 'EC002';
    END IF;
    IF NOT EXISTS (SELECT FROM eclm.release_modules WHERE release_id = NEW.release_id) THEN
        RAISE EXCEPTION 'release % is incomplete: it has no module at all', NEW.number USING ERRCODE = 'EC002';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER releases_complete AFTER INSERT ON eclm.releases
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION eclm.check_release_complete();

CREATE TABLE eclm.channels (
    channel_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model_id   bigint NOT NULL REFERENCES eclm.models,
    name       eclm.name NOT NULL,
    release_id bigint NOT NULL,
    revision   integer NOT NULL DEFAULT 1,
    action     eclm.channel_action NOT NULL DEFAULT 'create',
    UNIQUE (model_id, name),
    FOREIGN KEY (model_id, release_id) REFERENCES eclm.releases (model_id, release_id)
);

-- Every move of a channel: who, when, why. Written by trigger alone.
CREATE TABLE eclm.channel_moves (
    channel_id      bigint NOT NULL REFERENCES eclm.channels,
    revision        integer NOT NULL,
    from_release_id bigint REFERENCES eclm.releases,
    to_release_id   bigint NOT NULL REFERENCES eclm.releases,
    action          eclm.channel_action NOT NULL,
    reason          text NOT NULL,
    moved_by        text NOT NULL,
    moved_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (channel_id, revision)
);

CREATE FUNCTION eclm.next_channel_revision() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.model_id, NEW.name, NEW.channel_id) IS DISTINCT FROM (OLD.model_id, OLD.name, OLD.channel_id) THEN
            RAISE EXCEPTION 'a channel keeps its model and its name' USING ERRCODE = 'EC001';
        END IF;
        NEW.revision := OLD.revision + 1;
    ELSE
        NEW.revision := 1;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER channels_revision BEFORE INSERT OR UPDATE ON eclm.channels
    FOR EACH ROW EXECUTE FUNCTION eclm.next_channel_revision();

CREATE FUNCTION eclm.write_channel_move() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = eclm, pg_temp AS $$
BEGIN
    INSERT INTO eclm.channel_moves (channel_id, revision, from_release_id, to_release_id, action, reason, moved_by)
        VALUES (NEW.channel_id, NEW.revision, CASE WHEN TG_OP = 'UPDATE' THEN OLD.release_id END, NEW.release_id,
                NEW.action, eclm.reason(), eclm.actor());
    PERFORM pg_notify('eclm_channels', json_build_object(
        'model_id', NEW.model_id, 'channel', NEW.name, 'release_id', NEW.release_id)::text);
    RETURN NULL;
END $$;
CREATE TRIGGER channels_moved AFTER INSERT OR UPDATE ON eclm.channels
    FOR EACH ROW EXECUTE FUNCTION eclm.write_channel_move();

-- What a rollback took out of service: a whole release, or one module version. An update trained on it is refused.
CREATE TABLE eclm.withdrawals (
    withdrawal_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    release_id        bigint REFERENCES eclm.releases,
    module_version_id bigint REFERENCES eclm.module_versions,
    -- The release that the rollback made.
    rollback_id       bigint NOT NULL REFERENCES eclm.releases,
    reason            text NOT NULL DEFAULT eclm.reason(),
    withdrawn_by      text NOT NULL DEFAULT eclm.actor(),
    withdrawn_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Set once, when an operator takes the release or version back into service.
    reinstated_by     text,
    reinstated_at     timestamptz,
    CHECK (num_nonnulls(release_id, module_version_id) = 1),
    CHECK ((reinstated_by IS NULL) = (reinstated_at IS NULL))
);
CREATE UNIQUE INDEX withdrawals_of_release ON eclm.withdrawals (release_id)
    WHERE release_id IS NOT NULL AND reinstated_at IS NULL;
CREATE UNIQUE INDEX withdrawals_of_version ON eclm.withdrawals (module_version_id)
    WHERE module_version_id IS NOT NULL AND reinstated_at IS NULL;

CREATE FUNCTION eclm.check_withdrawal() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.reinstated_at IS NOT NULL
        OR to_jsonb(NEW) - '{reinstated_by,reinstated_at}'::text[] <> to_jsonb(OLD) - '{reinstated_by,reinstated_at}'::text[] THEN
        RAISE EXCEPTION 'a withdrawal can be reinstated once and changed in no other way' USING ERRCODE = 'EC001';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER withdrawals_reinstate BEFORE UPDATE ON eclm.withdrawals
    FOR EACH ROW EXECUTE FUNCTION eclm.check_withdrawal();
CREATE TRIGGER withdrawals_immutable BEFORE DELETE ON eclm.withdrawals
    FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change();

DO $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['releases', 'release_modules', 'channel_moves'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON eclm.%I FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change()',
            table_name || '_immutable', table_name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON eclm.%I FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change()',
            table_name || '_keep', table_name);
    END LOOP;
END $$;
CREATE TRIGGER channels_immutable BEFORE DELETE ON eclm.channels FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change();
CREATE TRIGGER channels_keep BEFORE TRUNCATE ON eclm.channels
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change();
CREATE TRIGGER withdrawals_keep BEFORE TRUNCATE ON eclm.withdrawals
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change();

"""#),
        ("devices_and_costs", #"""
-- Device classes and devices, measured costs, and the compositions that were answered.

CREATE TABLE eclm.device_classes (
    device_class_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name            eclm.name NOT NULL UNIQUE,
    memory          bigint NOT NULL CHECK (memory > 0),
    flops           bigint NOT NULL CHECK (flops > 0),
    dtypes          text[] NOT NULL,
    operators       text[] NOT NULL,
    runtime         eclm.runtime_version NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE eclm.devices (
    device_id       eclm.device_name PRIMARY KEY,
    device_class_id bigint NOT NULL REFERENCES eclm.device_classes,
    -- SHA-256 of the token the device got when it registered; the token itself is never stored.
    token_digest    eclm.sha256 NOT NULL,
    attributes      jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(attributes) = 'object'),
    registered_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX devices_by_class ON eclm.devices (device_class_id);
CREATE TRIGGER devices_immutable BEFORE DELETE ON eclm.devices FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change();
CREATE TRIGGER devices_keep BEFORE TRUNCATE ON eclm.devices
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change();

-- Costs measured on a device class; where there is no row, the version's analytic figures hold.
CREATE TABLE eclm.costs (
    module_version_id bigint NOT NULL REFERENCES eclm.module_versions,
    device_class_id   bigint NOT NULL REFERENCES eclm.device_classes,
    memory            bigint NOT NULL CHECK (memory >= 0),
    flops             bigint NOT NULL CHECK (flops >= 0),
    latency_us        bigint CHECK (latency_us >= 0),
    measured_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    measured_by       text NOT NULL DEFAULT eclm.actor(),
    PRIMARY KEY (module_version_id, device_class_id)
);

CREATE TABLE eclm.compositions (
    composition_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id          text NOT NULL REFERENCES eclm.devices,
    release_id         bigint NOT NULL REFERENCES eclm.releases,
    budget             jsonb NOT NULL,
    module_version_ids bigint[] NOT NULL,
    memory             bigint NOT NULL,
    flops              bigint NOT NULL,
    fetch_bytes        bigint NOT NULL,
    objective          double precision NOT NULL,
    gap                double precision NOT NULL,
    composed_at        timestamptz NOT NULL
);
CREATE INDEX compositions_by_device ON eclm.compositions (device_id, composition_id DESC);
CREATE TRIGGER compositions_immutable BEFORE UPDATE ON eclm.compositions
    FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change();

-- A class and a measured cost change, which the audit tells; they do not vanish.
DO $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['device_classes', 'costs'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE DELETE ON eclm.%I FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change()',
            table_name || '_immutable', table_name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON eclm.%I FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change()',
            table_name || '_keep', table_name);
    END LOOP;
END $$;

"""#),
        ("updates_and_rounds", #"""
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

"""#),
        ("audit", #"""
-- The audit: one row for every change of state, written by trigger whatever the program, each hashed with the one before.

CREATE TABLE eclm.audit (
    sequence      bigint PRIMARY KEY CHECK (sequence >= 1),
    at            timestamptz NOT NULL,
    actor         text NOT NULL,
    action        text NOT NULL,
    object_kind   text NOT NULL,
    object        text NOT NULL,
    detail        jsonb NOT NULL,
    previous_hash eclm.sha256 NOT NULL,
    hash          eclm.sha256 NOT NULL
);
CREATE INDEX audit_of_object ON eclm.audit (object_kind, object, sequence);

-- The chain's end. Its row lock makes appends serial; they run at commit, so it is held for an instant.
CREATE TABLE eclm.audit_head (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    sequence bigint NOT NULL,
    hash     eclm.sha256 NOT NULL
);
INSERT INTO eclm.audit_head (sequence, hash) VALUES (0, sha256('eclm audit'));

CREATE TRIGGER audit_immutable BEFORE UPDATE OR DELETE ON eclm.audit
    FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change();
CREATE TRIGGER audit_keep BEFORE TRUNCATE ON eclm.audit
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change();
CREATE TRIGGER audit_head_immutable BEFORE DELETE ON eclm.audit_head
    FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change();
CREATE TRIGGER audit_head_keep BEFORE TRUNCATE ON eclm.audit_head
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change();

-- One field of the hashed text: its length in bytes, a colon, the field. No two rows give the same text.
CREATE FUNCTION eclm.audit_field(field text) RETURNS bytea
    LANGUAGE sql IMMUTABLE STRICT
    RETURN convert_to(octet_length(convert_to(field, 'UTF8'))::text || ':' || field, 'UTF8');

CREATE FUNCTION eclm.audit_hash(
    previous_hash bytea, sequence bigint, at timestamptz, actor text, action text, object_kind text, object text, detail jsonb
) RETURNS bytea
    LANGUAGE sql IMMUTABLE STRICT
    RETURN sha256(previous_hash || eclm.audit_field(sequence::text)
        || eclm.audit_field(((extract(epoch FROM at) * 1000000)::bigint)::text)
        || eclm.audit_field(actor) || eclm.audit_field(action)
        || eclm.audit_field(object_kind) || eclm.audit_field(object) || eclm.audit_field(detail::text));

CREATE FUNCTION eclm.append_audit(action text, object_kind text, object text, detail jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = eclm, pg_temp AS $$
DECLARE
    head eclm.audit_head;
    now timestamptz := clock_timestamp();
    who text := eclm.actor();
    new_hash bytea;
BEGIN
    SELECT * INTO STRICT head FROM eclm.audit_head FOR UPDATE;
    new_hash := eclm.audit_hash(head.hash, head.sequence + 1, now, who, action, object_kind, object, detail);
    INSERT INTO eclm.audit (sequence, at, actor, action, object_kind, object, detail, previous_hash, hash)
        VALUES (head.sequence + 1, now, who, action, object_kind, object, detail, head.hash, new_hash);
    UPDATE eclm.audit_head SET sequence = head.sequence + 1, hash = new_hash;
END $$;
REVOKE ALL ON FUNCTION eclm.append_audit FROM PUBLIC;

-- The trigger behind every audited table: (action, object kind, name of the key column).
CREATE FUNCTION eclm.audit_row() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = eclm, pg_temp AS $$
DECLARE
    entry jsonb := to_jsonb(NEW) - '{token_digest,created_in}'::text[];
    detail jsonb := entry;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        SELECT jsonb_object_agg(key, value) INTO detail FROM jsonb_each(entry)
            WHERE value IS DISTINCT FROM to_jsonb(OLD) -> key;
        IF detail IS NULL AND to_jsonb(NEW) = to_jsonb(OLD) THEN
            RETURN NULL;
        END IF;
        detail := coalesce(detail, '{}') || jsonb_build_object('before',
            coalesce((SELECT jsonb_object_agg(key, to_jsonb(OLD) -> key) FROM jsonb_object_keys(coalesce(detail, '{}')) key), '{}'));
    END IF;
    detail := detail || jsonb_strip_nulls(jsonb_build_object('reason', nullif(eclm.reason(), '')));
    PERFORM eclm.append_audit(TG_ARGV[0] || '.' || lower(TG_OP), TG_ARGV[0], entry ->> TG_ARGV[1], detail);
    RETURN NULL;
END $$;

-- Deferred: the chain's lock is taken at commit, after everything slow.
CREATE CONSTRAINT TRIGGER models_audit AFTER INSERT ON eclm.models
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION eclm.audit_row('model', 'model_id');
CREATE CONSTRAINT TRIGGER releases_audit AFTER INSERT ON eclm.releases
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION eclm.audit_row('release', 'release_id');
CREATE CONSTRAINT TRIGGER channels_audit AFTER INSERT OR UPDATE ON eclm.channels
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION eclm.audit_row('channel', 'channel_id');
CREATE CONSTRAINT TRIGGER withdrawals_audit AFTER INSERT OR UPDATE ON eclm.withdrawals
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION eclm.audit_row('withdrawal', 'withdrawal_id');
CREATE CONSTRAINT TRIGGER device_classes_audit AFTER INSERT OR UPDATE ON eclm.device_classes
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION eclm.audit_row('device_class', 'device_class_id');
CREATE CONSTRAINT TRIGGER devices_audit AFTER INSERT OR UPDATE ON eclm.devices
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION eclm.audit_row('device', 'device_id');
CREATE CONSTRAINT TRIGGER costs_audit AFTER UPDATE ON eclm.costs
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION eclm.audit_row('cost', 'module_version_id');
CREATE CONSTRAINT TRIGGER rounds_audit AFTER INSERT ON eclm.rounds
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION eclm.audit_row('round', 'round_id');
CREATE CONSTRAINT TRIGGER updates_audit AFTER UPDATE ON eclm.updates
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION eclm.audit_row('update', 'update_id');

-- The first rows that do not fit the chain; none when it is whole. `registryctl audit verify` computes the same outside.
CREATE FUNCTION eclm.audit_breaks() RETURNS TABLE (sequence bigint, problem text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT a.sequence,
        CASE
            WHEN a.sequence <> a.position THEN 'a row before this one is missing'
            WHEN a.previous_hash <> a.expected_previous THEN 'previous_hash is not the hash of the row before'
            ELSE 'the row does not match its hash'
        END
    FROM (
        SELECT *, row_number() OVER chain AS position,
            coalesce(lag(hash) OVER chain, sha256('eclm audit')) AS expected_previous
        FROM eclm.audit WINDOW chain AS (ORDER BY sequence)
    ) a
    WHERE a.sequence <> a.position OR a.previous_hash <> a.expected_previous
        OR a.hash <> eclm.audit_hash(a.previous_hash, a.sequence, a.at, a.actor, a.action, a.object_kind, a.object, a.detail)
    UNION ALL
    SELECT coalesce(h.sequence, 0), 'the chain does not end where its head says'
    FROM (VALUES (true)) one
    LEFT JOIN eclm.audit_head h ON true
    LEFT JOIN eclm.audit last ON last.sequence = (SELECT max(a.sequence) FROM eclm.audit a)
    WHERE h.sequence IS DISTINCT FROM coalesce(last.sequence, 0) OR h.hash IS DISTINCT FROM coalesce(last.hash, sha256('eclm audit'))
    ORDER BY 1;
END;

"""#),
        ("catalogue_notifications", #"""
-- What changes a catalogue snapshot tells the servers that hold one.

CREATE FUNCTION eclm.notify_catalogue() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('eclm_catalogue', TG_TABLE_NAME);
    RETURN NULL;
END $$;

CREATE TRIGGER releases_notify AFTER INSERT ON eclm.releases
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.notify_catalogue();
CREATE TRIGGER withdrawals_notify AFTER INSERT OR UPDATE ON eclm.withdrawals
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.notify_catalogue();
CREATE TRIGGER device_classes_notify AFTER INSERT OR UPDATE OR DELETE ON eclm.device_classes
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.notify_catalogue();
CREATE TRIGGER costs_notify AFTER INSERT OR UPDATE OR DELETE ON eclm.costs
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.notify_catalogue();

"""#),
        ("audit_views", #"""
-- What auditors read: views with the design's words for columns, and the walk through the lineage.
-- docs/schema.md has an example query and its output for each.

CREATE FUNCTION eclm.digest_text(digest bytea) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT RETURN 'sha256:' || encode(digest, 'hex');

-- Every version of every module, oldest first, with where it came from.
CREATE VIEW eclm.module_history AS
SELECT mo.name AS model, m.name AS module, m.kind, m.layer, m.index, v.version, v.module_version_id,
    eclm.digest_text(v.digest) AS digest, v.dtype, v.bytes, v.parameters, v.flops, v.peak_memory, v.origin,
    r.number AS round, v.created_at, v.created_by,
    (SELECT count(*) FROM eclm.lineage l WHERE l.module_version_id = v.module_version_id AND l.update_id IS NOT NULL)
        AS contributions,
    w.withdrawn_at, w.withdrawn_by, w.reason AS withdrawal_reason
FROM eclm.module_versions v
JOIN eclm.modules m USING (module_id)
JOIN eclm.models mo ON mo.model_id = v.model_id
LEFT JOIN eclm.rounds r ON r.round_id = v.round_id
LEFT JOIN eclm.withdrawals w ON w.module_version_id = v.module_version_id AND w.reinstated_at IS NULL;

-- Every edge of the lineage: a version, one parent, and what the parent weighed.
CREATE VIEW eclm.version_lineage AS
SELECT mo.name AS model, m.name AS module, v.version, v.module_version_id,
    CASE WHEN l.update_id IS NULL THEN 'version' ELSE 'update' END AS parent_kind,
    p.version AS parent_version, l.parent_version_id, l.update_id, u.device_id, l.weight, r.number AS round
FROM eclm.lineage l
JOIN eclm.module_versions v USING (module_version_id)
JOIN eclm.modules m USING (module_id)
JOIN eclm.models mo ON mo.model_id = v.model_id
LEFT JOIN eclm.module_versions p ON p.module_version_id = l.parent_version_id
LEFT JOIN eclm.updates u ON u.update_id = l.update_id
LEFT JOIN eclm.rounds r ON r.round_id = v.round_id;

-- Every move of every channel: who, when, why.
CREATE VIEW eclm.channel_history AS
SELECT mo.name AS model, c.name AS channel, h.revision, f.number AS from_release, t.number AS to_release, h.action,
    h.reason, h.moved_by, h.moved_at
FROM eclm.channel_moves h
JOIN eclm.channels c USING (channel_id)
JOIN eclm.models mo USING (model_id)
LEFT JOIN eclm.releases f ON f.release_id = h.from_release_id
JOIN eclm.releases t ON t.release_id = h.to_release_id;

-- What became of every update: pending, aggregated in a round, or quarantined with a reason.
CREATE VIEW eclm.update_fate AS
SELECT u.update_id, mo.name AS model, u.device_id, u.idempotency_key, b.number AS base_release, u.sample_count, u.status,
    r.number AS round, n.number AS release, u.quarantine_reason, u.submitted_at, u.decided_at,
    (SELECT count(*) FROM eclm.update_modules um WHERE um.update_id = u.update_id) AS modules
FROM eclm.updates u
JOIN eclm.models mo USING (model_id)
JOIN eclm.releases b ON b.release_id = u.base_release_id
LEFT JOIN eclm.round_updates ru ON ru.update_id = u.update_id
LEFT JOIN eclm.rounds r ON r.round_id = ru.round_id
LEFT JOIN eclm.releases n ON n.round_id = r.round_id;

-- What went into every version that a round made: update by update, with importance and normalised weight.
CREATE VIEW eclm.round_inputs AS
SELECT mo.name AS model, r.number AS round, r.rule, m.name AS module, v.version, v.module_version_id, l.update_id,
    u.device_id, um.importance, um.sample_count, l.weight, eclm.digest_text(um.digest) AS digest, um.encoding
FROM eclm.rounds r
JOIN eclm.models mo USING (model_id)
JOIN eclm.module_versions v ON v.round_id = r.round_id
JOIN eclm.modules m USING (module_id)
JOIN eclm.lineage l ON l.module_version_id = v.module_version_id AND l.update_id IS NOT NULL
JOIN eclm.updates u ON u.update_id = l.update_id
JOIN eclm.update_modules um ON um.update_id = l.update_id AND um.module_id = v.module_id;

-- What ancestors() and descendants() tell of each version and update they reached, for one module.
CREATE FUNCTION eclm.lineage_nodes(of_module bigint, versions bigint[], updates bigint[])
    RETURNS TABLE (kind text, module_version_id bigint, update_id bigint, module text, version integer,
        device_id text, weight double precision, at timestamptz)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'version', v.module_version_id, NULL::bigint, m.name::text, v.version, NULL::text, NULL::double precision,
        v.created_at
    FROM eclm.module_versions v JOIN eclm.modules m USING (module_id) WHERE v.module_version_id = ANY (versions)
    UNION ALL
    SELECT 'update', NULL, u.update_id, m.name::text, NULL, u.device_id, (
            SELECT l.weight FROM eclm.lineage l JOIN eclm.module_versions v USING (module_version_id)
            WHERE l.update_id = u.update_id AND v.module_id = of_module), u.submitted_at
    FROM eclm.updates u JOIN eclm.modules m ON m.module_id = of_module WHERE u.update_id = ANY (updates);
END;

-- Everything a version came from, newest first: versions, and the updates folded into them with the weight each had.
-- An update's own ancestor is the version that the device trained. The walk visits each row once.
CREATE FUNCTION eclm.ancestors(of_version bigint)
    RETURNS TABLE (kind text, module_version_id bigint, update_id bigint, module text, version integer,
        device_id text, weight double precision, at timestamptz)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH RECURSIVE walk (version_id, update_id) AS (
        SELECT of_version, NULL::bigint
        UNION
        SELECT e.parent_version_id, e.update_id
        FROM walk w
        CROSS JOIN LATERAL (
            SELECT l.parent_version_id, l.update_id FROM eclm.lineage l WHERE l.module_version_id = w.version_id
            UNION ALL
            SELECT um.base_version_id, NULL FROM eclm.update_modules um
                JOIN eclm.module_versions v ON v.module_version_id = of_version AND v.module_id = um.module_id
                WHERE um.update_id = w.update_id
        ) e
    )
    SELECT l.kind, l.module_version_id, l.update_id, l.module, l.version, l.device_id, l.weight, l.at
    FROM eclm.lineage_nodes((SELECT module_id FROM eclm.module_versions WHERE module_version_id = of_version),
        ARRAY(SELECT version_id FROM walk WHERE version_id <> of_version),
        ARRAY(SELECT update_id FROM walk WHERE update_id IS NOT NULL)) l
    ORDER BY l.at DESC, l.module_version_id DESC, l.update_id DESC;
END;

-- Everything that came from a version, oldest first.
CREATE FUNCTION eclm.descendants(of_version bigint)
    RETURNS TABLE (kind text, module_version_id bigint, update_id bigint, module text, version integer,
        device_id text, weight double precision, at timestamptz)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH RECURSIVE walk (version_id, update_id) AS (
        SELECT of_version, NULL::bigint
        UNION
        SELECT e.module_version_id, e.update_id
        FROM walk w
        CROSS JOIN LATERAL (
            SELECT l.module_version_id, NULL::bigint AS update_id FROM eclm.lineage l
                WHERE l.parent_version_id = w.version_id
            UNION ALL
            SELECT NULL, um.update_id FROM eclm.update_modules um WHERE um.base_version_id = w.version_id
            UNION ALL
            SELECT l.module_version_id, NULL FROM eclm.lineage l
                JOIN eclm.module_versions v ON v.module_version_id = l.module_version_id
                JOIN eclm.module_versions o ON o.module_version_id = of_version AND o.module_id = v.module_id
                WHERE l.update_id = w.update_id
        ) e
    )
    SELECT l.kind, l.module_version_id, l.update_id, l.module, l.version, l.device_id, l.weight, l.at
    FROM eclm.lineage_nodes((SELECT module_id FROM eclm.module_versions WHERE module_version_id = of_version),
        ARRAY(SELECT version_id FROM walk WHERE version_id <> of_version),
        ARRAY(SELECT update_id FROM walk WHERE update_id IS NOT NULL)) l
    ORDER BY l.at, l.module_version_id, l.update_id;
END;

"""#),
        ("grants", #"""
-- Least privilege: a reader reads; each other role is a reader that may write what its work writes, and no more.

GRANT USAGE ON SCHEMA eclm TO eclm_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA eclm TO eclm_reader;
REVOKE SELECT ON eclm.devices FROM eclm_reader;
GRANT SELECT (device_id, device_class_id, attributes, registered_at) ON eclm.devices TO eclm_reader;
REVOKE SELECT ON eclm.blob_uploads FROM eclm_reader;
GRANT eclm_reader TO eclm_device, eclm_publisher, eclm_trainer, eclm_operator;

-- The registry on behalf of devices: registration, compositions, uploads, updates.
GRANT SELECT, INSERT ON eclm.devices TO eclm_device;
GRANT UPDATE (device_class_id, attributes) ON eclm.devices TO eclm_device;
GRANT INSERT ON eclm.compositions, eclm.updates, eclm.update_modules TO eclm_device;

-- Whoever brings bytes. Deleting reaches unsealed chunks only: a trigger guards the rest.
GRANT SELECT, INSERT, UPDATE, DELETE ON eclm.blob_uploads TO eclm_device, eclm_publisher;
GRANT INSERT, DELETE ON eclm.blob_chunks TO eclm_device, eclm_publisher, eclm_trainer;
GRANT INSERT ON eclm.blobs TO eclm_device, eclm_publisher, eclm_trainer;
-- Also what SELECT ... FOR KEY SHARE asks for, which keeps a blob from being collected until the transaction's end.
GRANT UPDATE (wanted_at) ON eclm.blobs TO eclm_device, eclm_publisher, eclm_trainer;
GRANT USAGE ON SEQUENCE eclm.blob_storage_ids TO eclm_device, eclm_publisher, eclm_trainer;

GRANT INSERT ON eclm.models, eclm.module_layers, eclm.modules TO eclm_publisher;
GRANT INSERT ON eclm.module_versions, eclm.requirements, eclm.releases, eclm.release_modules, eclm.channels
    TO eclm_publisher, eclm_trainer;
GRANT UPDATE (release_id, action) ON eclm.channels TO eclm_publisher, eclm_trainer, eclm_operator;
-- SELECT ... FOR NO KEY UPDATE on a model, which numbers versions and releases one at a time, asks for UPDATE on a column;
-- the rows themselves stay immutable by trigger.
GRANT UPDATE (summary) ON eclm.models TO eclm_publisher, eclm_trainer, eclm_operator;
GRANT INSERT ON eclm.costs TO eclm_publisher, eclm_trainer, eclm_operator;
GRANT UPDATE (memory, flops, latency_us, measured_at, measured_by) ON eclm.costs TO eclm_publisher, eclm_operator;

GRANT INSERT ON eclm.rounds, eclm.round_updates, eclm.lineage TO eclm_trainer;
GRANT UPDATE (status, quarantine_reason, decided_at) ON eclm.updates TO eclm_trainer, eclm_operator;

GRANT INSERT ON eclm.releases, eclm.release_modules, eclm.channels, eclm.withdrawals, eclm.device_classes TO eclm_operator;
GRANT UPDATE (reinstated_by, reinstated_at) ON eclm.withdrawals TO eclm_operator;
GRANT UPDATE (memory, flops, dtypes, operators, runtime, updated_at) ON eclm.device_classes TO eclm_operator;

"""#),
        ("policies", #"""
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

"""#),
        ("forget", #"""
-- Rollbacks that take a device's updates out of past rounds, and what an auditor asks of updates and lineage.

-- A rollback may write versions: those that past rounds make without a device's updates. Their origin is `rollback`.
ALTER TABLE eclm.module_versions DROP CONSTRAINT module_versions_origin_check;

-- One device left out of one model's rounds; the release that came of it.
CREATE TABLE eclm.recomputations (
    recomputation_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model_id         bigint NOT NULL REFERENCES eclm.models,
    release_id       bigint NOT NULL UNIQUE,
    device_id        text NOT NULL REFERENCES eclm.devices,
    -- Where not all updates of the device are left out: those of this round and later ones, or submitted from then on.
    since_round      integer CHECK (since_round >= 1),
    since_time       timestamptz,
    reason           text NOT NULL DEFAULT eclm.reason() CHECK (length(reason) BETWEEN 1 AND 4096),
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by       text NOT NULL DEFAULT eclm.actor(),
    FOREIGN KEY (model_id, release_id) REFERENCES eclm.releases (model_id, release_id),
    CHECK (since_round IS NULL OR since_time IS NULL)
);

-- What a round makes of a module without the device.
CREATE TABLE eclm.recomputed_versions (
    module_version_id bigint PRIMARY KEY REFERENCES eclm.module_versions,
    recomputation_id  bigint NOT NULL REFERENCES eclm.recomputations,
    round_id          bigint NOT NULL REFERENCES eclm.rounds
);
CREATE INDEX recomputed_versions_by_round ON eclm.recomputed_versions (round_id);
CREATE INDEX recomputed_versions_by_recomputation ON eclm.recomputed_versions (recomputation_id);

-- The version that an update's difference was added to, where that is not the one it was trained from.
ALTER TABLE eclm.lineage ADD COLUMN applied_version_id bigint REFERENCES eclm.module_versions;
ALTER TABLE eclm.lineage ADD CHECK (applied_version_id IS NULL OR update_id IS NOT NULL);
ALTER TABLE eclm.lineage ADD CHECK (applied_version_id < module_version_id);
CREATE INDEX lineage_of_applied ON eclm.lineage (applied_version_id) WHERE applied_version_id IS NOT NULL;

DO $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['recomputations', 'recomputed_versions'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON eclm.%I FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change()',
            table_name || '_immutable', table_name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON eclm.%I FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change()',
            table_name || '_keep', table_name);
    END LOOP;
END $$;
CREATE CONSTRAINT TRIGGER recomputations_audit AFTER INSERT ON eclm.recomputations
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION eclm.audit_row('recomputation', 'recomputation_id');

-- A version of a rollback says which round it recomputes, and no other version does, at every commit.
CREATE FUNCTION eclm.check_recomputed_version() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM eclm.module_versions v LEFT JOIN eclm.recomputed_versions rv USING (module_version_id)
            WHERE v.module_version_id = NEW.module_version_id
                AND (v.origin = 'rollback') <> (rv.module_version_id IS NOT NULL)) THEN
        RAISE EXCEPTION 'version % is of a rollback without a round that it recomputes, or the other way round',
            NEW.module_version_id USING ERRCODE = 'EC002';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER module_versions_recomputed AFTER INSERT ON eclm.module_versions
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.origin = 'rollback')
    EXECUTE FUNCTION eclm.check_recomputed_version();
CREATE CONSTRAINT TRIGGER recomputed_versions_origin AFTER INSERT ON eclm.recomputed_versions
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION eclm.check_recomputed_version();

-- `round` also of versions that a rollback recomputed; which device they are without stands at the end.
CREATE OR REPLACE VIEW eclm.module_history AS
SELECT mo.name AS model, m.name AS module, m.kind, m.layer, m.index, v.version, v.module_version_id,
    eclm.digest_text(v.digest) AS digest, v.dtype, v.bytes, v.parameters, v.flops, v.peak_memory, v.origin,
    r.number AS round, v.created_at, v.created_by,
    (SELECT count(*) FROM eclm.lineage l WHERE l.module_version_id = v.module_version_id AND l.update_id IS NOT NULL)
        AS contributions,
    w.withdrawn_at, w.withdrawn_by, w.reason AS withdrawal_reason, rc.device_id AS without_device
FROM eclm.module_versions v
JOIN eclm.modules m USING (module_id)
JOIN eclm.models mo ON mo.model_id = v.model_id
LEFT JOIN eclm.recomputed_versions rv ON rv.module_version_id = v.module_version_id
LEFT JOIN eclm.recomputations rc ON rc.recomputation_id = rv.recomputation_id
LEFT JOIN eclm.rounds r ON r.round_id = coalesce(v.round_id, rv.round_id)
LEFT JOIN eclm.withdrawals w ON w.module_version_id = v.module_version_id AND w.reinstated_at IS NULL;

CREATE OR REPLACE VIEW eclm.version_lineage AS
SELECT mo.name AS model, m.name AS module, v.version, v.module_version_id,
    CASE WHEN l.update_id IS NULL THEN 'version' ELSE 'update' END AS parent_kind,
    p.version AS parent_version, l.parent_version_id, l.update_id, u.device_id, l.weight, r.number AS round,
    a.version AS applied_version
FROM eclm.lineage l
JOIN eclm.module_versions v USING (module_version_id)
JOIN eclm.modules m USING (module_id)
JOIN eclm.models mo ON mo.model_id = v.model_id
LEFT JOIN eclm.module_versions p ON p.module_version_id = l.parent_version_id
LEFT JOIN eclm.updates u ON u.update_id = l.update_id
LEFT JOIN eclm.recomputed_versions rv ON rv.module_version_id = v.module_version_id
LEFT JOIN eclm.rounds r ON r.round_id = coalesce(v.round_id, rv.round_id)
LEFT JOIN eclm.module_versions a ON a.module_version_id = l.applied_version_id;

-- Every version that was made to leave a device out: by which release, of which round, in whose place.
CREATE VIEW eclm.recomputed_history AS
SELECT mo.name AS model, e.number AS release, rc.device_id AS without_device, rc.since_round, rc.since_time,
    r.number AS round, m.name AS module, v.version, v.module_version_id, o.version AS replaced_version,
    (SELECT count(*) FROM eclm.lineage l WHERE l.module_version_id = v.module_version_id AND l.update_id IS NOT NULL)
        AS contributions, rc.reason, rc.created_by, rc.created_at
FROM eclm.recomputed_versions rv
JOIN eclm.recomputations rc USING (recomputation_id)
JOIN eclm.models mo USING (model_id)
JOIN eclm.releases e ON e.release_id = rc.release_id
JOIN eclm.rounds r ON r.round_id = rv.round_id
JOIN eclm.module_versions v ON v.module_version_id = rv.module_version_id
JOIN eclm.modules m ON m.module_id = v.module_id
LEFT JOIN eclm.module_versions o ON o.round_id = rv.round_id AND o.module_id = v.module_id;

-- As in 0008, but an update's ancestor is the version that its difference was added to, where that is on record.
CREATE OR REPLACE FUNCTION eclm.ancestors(of_version bigint)
    RETURNS TABLE (kind text, module_version_id bigint, update_id bigint, module text, version integer,
        device_id text, weight double precision, at timestamptz)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH RECURSIVE walk (version_id, update_id) AS (
        SELECT of_version, NULL::bigint
        UNION
        SELECT e.version_id, e.update_id
        FROM walk w
        CROSS JOIN LATERAL (
            SELECT l.parent_version_id AS version_id, l.update_id FROM eclm.lineage l
                WHERE l.module_version_id = w.version_id
            UNION ALL
            SELECT coalesce(l.applied_version_id, um.base_version_id), NULL FROM eclm.lineage l
                JOIN eclm.module_versions v ON v.module_version_id = l.module_version_id
                JOIN eclm.update_modules um ON um.update_id = l.update_id AND um.module_id = v.module_id
                WHERE l.module_version_id = w.version_id
        ) e
    )
    SELECT l.kind, l.module_version_id, l.update_id, l.module, l.version, l.device_id, l.weight, l.at
    FROM eclm.lineage_nodes((SELECT module_id FROM eclm.module_versions WHERE module_version_id = of_version),
        ARRAY(SELECT version_id FROM walk WHERE version_id <> of_version),
        ARRAY(SELECT update_id FROM walk WHERE update_id IS NOT NULL)) l
    ORDER BY l.at DESC, l.module_version_id DESC, l.update_id DESC;
END;

-- The versions made directly of a version: on it as a parent, or of updates whose base it was.
CREATE FUNCTION eclm.made_of(of_version bigint) RETURNS TABLE (module_version_id bigint)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT l.module_version_id FROM eclm.lineage l WHERE l.parent_version_id = of_version
    UNION ALL
    SELECT l.module_version_id FROM eclm.lineage l WHERE l.applied_version_id = of_version
    UNION ALL
    SELECT l.module_version_id FROM eclm.update_modules um
        JOIN eclm.lineage l ON l.update_id = um.update_id AND l.applied_version_id IS NULL
        JOIN eclm.module_versions v ON v.module_version_id = l.module_version_id AND v.module_id = um.module_id
        WHERE um.base_version_id = of_version;
END;

CREATE OR REPLACE FUNCTION eclm.descendants(of_version bigint)
    RETURNS TABLE (kind text, module_version_id bigint, update_id bigint, module text, version integer,
        device_id text, weight double precision, at timestamptz)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH RECURSIVE walk (version_id, update_id) AS (
        SELECT of_version, NULL::bigint
        UNION
        SELECT e.version_id, e.update_id
        FROM walk w
        CROSS JOIN LATERAL (
            SELECT m.module_version_id AS version_id, NULL::bigint AS update_id FROM eclm.made_of(w.version_id) m
            UNION ALL
            SELECT NULL, um.update_id FROM eclm.update_modules um WHERE um.base_version_id = w.version_id
            UNION ALL
            SELECT NULL, l.update_id FROM eclm.lineage l WHERE l.applied_version_id = w.version_id
        ) e
    )
    SELECT l.kind, l.module_version_id, l.update_id, l.module, l.version, l.device_id, l.weight, l.at
    FROM eclm.lineage_nodes((SELECT module_id FROM eclm.module_versions WHERE module_version_id = of_version),
        ARRAY(SELECT version_id FROM walk WHERE version_id <> of_version),
        ARRAY(SELECT update_id FROM walk WHERE update_id IS NOT NULL)) l
    ORDER BY l.at, l.module_version_id, l.update_id;
END;

-- The weight of an update in lineage_nodes is that of the version its round made, whatever was recomputed since.
CREATE OR REPLACE FUNCTION eclm.lineage_nodes(of_module bigint, versions bigint[], updates bigint[])
    RETURNS TABLE (kind text, module_version_id bigint, update_id bigint, module text, version integer,
        device_id text, weight double precision, at timestamptz)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'version', v.module_version_id, NULL::bigint, m.name::text, v.version, NULL::text, NULL::double precision,
        v.created_at
    FROM eclm.module_versions v JOIN eclm.modules m USING (module_id) WHERE v.module_version_id = ANY (versions)
    UNION ALL
    SELECT 'update', NULL, u.update_id, m.name::text, NULL, u.device_id, (
            SELECT l.weight FROM eclm.lineage l JOIN eclm.module_versions v USING (module_version_id)
            WHERE l.update_id = u.update_id AND v.module_id = of_module AND v.origin = 'round'), u.submitted_at
    FROM eclm.updates u JOIN eclm.modules m ON m.module_id = of_module WHERE u.update_id = ANY (updates);
END;

-- Every version that a device's updates went into, directly or through the versions it was made of, oldest first.
CREATE FUNCTION eclm.device_versions(of_device text)
    RETURNS TABLE (model text, module text, version integer, module_version_id bigint, direct boolean, withdrawn boolean)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH RECURSIVE reached (version_id) AS (
        SELECT l.module_version_id FROM eclm.updates u JOIN eclm.lineage l USING (update_id)
            WHERE u.device_id = of_device
        UNION
        SELECT m.module_version_id FROM reached r CROSS JOIN LATERAL eclm.made_of(r.version_id) m
    )
    SELECT mo.name, m.name, v.version, v.module_version_id,
        EXISTS (SELECT FROM eclm.lineage l JOIN eclm.updates u USING (update_id)
            WHERE l.module_version_id = v.module_version_id AND u.device_id = of_device),
        EXISTS (SELECT FROM eclm.withdrawals w
            WHERE w.module_version_id = v.module_version_id AND w.reinstated_at IS NULL)
    FROM reached r
    JOIN eclm.module_versions v ON v.module_version_id = r.version_id
    JOIN eclm.modules m USING (module_id)
    JOIN eclm.models mo ON mo.model_id = v.model_id
    ORDER BY v.module_version_id;
END;

-- One line for every update that the registry ever accepted: counted in exactly one round, pending, or quarantined with a
-- reason. `problem` is NULL where that holds; computed from the tables, not from the triggers that see to it.
CREATE VIEW eclm.update_accounting AS
SELECT u.update_id, mo.name AS model, u.device_id, u.status, c.rounds, c.round, u.quarantine_reason,
    CASE
        WHEN u.status = 'aggregated' AND c.rounds <> 1 THEN format('aggregated, but counted in %s rounds', c.rounds)
        WHEN u.status <> 'aggregated' AND c.rounds <> 0 THEN format('%s, but counted in round %s', u.status, c.round)
        WHEN u.status = 'quarantined' AND coalesce(u.quarantine_reason, '') = '' THEN 'quarantined without a reason'
        WHEN u.status <> 'aggregated' AND EXISTS (SELECT FROM eclm.lineage l WHERE l.update_id = u.update_id)
            THEN format('%s, but part of a version', u.status)
        WHEN EXISTS (SELECT FROM eclm.lineage l JOIN eclm.module_versions v USING (module_version_id)
                WHERE l.update_id = u.update_id AND v.origin = 'round' AND v.round_id IS DISTINCT FROM c.round_id)
            THEN 'part of a version of another round'
        WHEN EXISTS (SELECT FROM eclm.update_modules um
                JOIN eclm.module_versions v ON v.round_id = c.round_id AND v.module_id = um.module_id
                WHERE um.update_id = u.update_id AND NOT EXISTS (SELECT FROM eclm.lineage l
                    WHERE l.module_version_id = v.module_version_id AND l.update_id = u.update_id))
            THEN 'missing from the lineage of a version of its round'
    END AS problem
FROM eclm.updates u
JOIN eclm.models mo USING (model_id)
CROSS JOIN LATERAL (SELECT count(*) AS rounds, min(r.number) AS round, min(r.round_id) AS round_id
    FROM eclm.round_updates ru JOIN eclm.rounds r USING (round_id) WHERE ru.update_id = u.update_id) c;

-- Versions and releases whose lineage is not complete; no row where it is.
CREATE VIEW eclm.lineage_problems AS
SELECT mo.name AS model, m.name AS module, v.version, p.problem
FROM eclm.module_versions v
JOIN eclm.modules m USING (module_id)
JOIN eclm.models mo ON mo.model_id = v.model_id
LEFT JOIN eclm.recomputed_versions rv USING (module_version_id)
CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE l.parent_version_id IS NOT NULL) AS parents,
    count(l.update_id) AS updates, sum(l.weight) FILTER (WHERE l.update_id IS NOT NULL) AS weight,
    count(*) FILTER (WHERE l.update_id IS NOT NULL AND NOT EXISTS (SELECT FROM eclm.round_updates ru
        WHERE ru.update_id = l.update_id AND ru.round_id = coalesce(v.round_id, rv.round_id))) AS strangers
    FROM eclm.lineage l WHERE l.module_version_id = v.module_version_id) c
CROSS JOIN LATERAL (SELECT CASE
    WHEN v.origin = 'publish' AND (c.parents, c.updates) <> (0, 0) THEN 'published, but with parents'
    WHEN v.origin = 'publish' THEN NULL
    WHEN c.parents <> 1 THEN format('%s parents', c.parents)
    WHEN c.updates = 0 THEN 'no update'
    WHEN c.strangers <> 0 THEN format('%s updates that its round did not count', c.strangers)
    WHEN abs(c.weight - 1) > 1e-9 THEN format('weights with the sum %s', c.weight)
    WHEN v.origin = 'round' AND NOT EXISTS (SELECT FROM eclm.releases e JOIN eclm.release_modules rm USING (release_id)
            WHERE e.round_id = v.round_id AND rm.module_version_id = v.module_version_id)
        THEN 'not in the release of its round'
    END AS problem) p
WHERE p.problem IS NOT NULL
UNION ALL
SELECT mo.name, NULL, NULL, format('round %s has %s versions and no release', r.number, count(*))
FROM eclm.rounds r
JOIN eclm.models mo USING (model_id)
JOIN eclm.module_versions v ON v.round_id = r.round_id
WHERE NOT EXISTS (SELECT FROM eclm.releases e WHERE e.round_id = r.round_id)
GROUP BY mo.name, r.number;

GRANT SELECT ON eclm.recomputations, eclm.recomputed_versions, eclm.recomputed_history, eclm.update_accounting,
    eclm.lineage_problems TO eclm_reader;
-- Who leaves a device out decides as an operator and writes versions as a trainer: a login needs both roles.
GRANT INSERT (model_id, release_id, device_id, since_round, since_time) ON eclm.recomputations TO eclm_operator;
GRANT INSERT ON eclm.recomputed_versions TO eclm_trainer;

"""#),
        ("canaries", #"""
-- Canaries: a release on trial on a share of the devices of a channel, against the release that the others keep.

CREATE TYPE eclm.canary_state AS ENUM ('running', 'promoted', 'rolled_back', 'cancelled', 'expired');

ALTER TABLE eclm.channels ADD UNIQUE (model_id, channel_id);

CREATE TABLE eclm.canaries (
    canary_id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model_id             bigint NOT NULL,
    channel_id           bigint NOT NULL,
    candidate_release_id bigint NOT NULL,
    -- What the channel points to, and goes on pointing to until the candidate is promoted.
    control_release_id   bigint NOT NULL,
    -- The share of the devices that get the candidate, and what makes each canary pick others.
    share                double precision NOT NULL CHECK (share > 0 AND share < 1),
    salt                 bytea NOT NULL DEFAULT uuid_send(gen_random_uuid()) CHECK (octet_length(salt) = 16),
    -- What devices report, which way is better, and the range that values are clipped to.
    metric               text NOT NULL CHECK (octet_length(metric) BETWEEN 1 AND 64),
    lower_is_better      boolean NOT NULL DEFAULT false,
    lower_bound          double precision NOT NULL CHECK (lower_bound > '-Infinity'),
    upper_bound          double precision NOT NULL CHECK (upper_bound < 'Infinity' AND upper_bound > lower_bound),
    -- Promoting a candidate that is worse by the margin or more has at most the probability alpha, rolling back one that
    -- is as good or better at most beta, whenever and however often one looks.
    margin               double precision NOT NULL CHECK (margin > 0 AND margin < upper_bound - lower_bound),
    alpha                double precision NOT NULL CHECK (alpha >= 1e-9 AND alpha <= 0.5),
    beta                 double precision NOT NULL CHECK (beta >= 1e-9 AND beta <= 0.5),
    -- Devices of each arm that must be counted before a decision.
    minimum_observations integer NOT NULL CHECK (minimum_observations BETWEEN 1 AND 100000000),
    -- Devices of each arm that one block compares.
    candidate_block      integer NOT NULL CHECK (candidate_block BETWEEN 1 AND 64),
    control_block        integer NOT NULL CHECK (control_block BETWEEN 1 AND 64),
    deadline             timestamptz NOT NULL,
    reason               text NOT NULL DEFAULT eclm.reason() CHECK (length(reason) <= 4096),
    started_at           timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_by           text NOT NULL DEFAULT eclm.actor(),
    -- The sufficient statistics: all that is kept of the observations that were counted. Values as devices reported
    -- them, clipped; m2 is the sum of squared distances from the mean; wealths are natural logarithms.
    blocks               bigint NOT NULL DEFAULT 0,
    candidate_count      bigint NOT NULL DEFAULT 0,
    candidate_mean       double precision NOT NULL DEFAULT 0,
    candidate_m2         double precision NOT NULL DEFAULT 0,
    control_count        bigint NOT NULL DEFAULT 0,
    control_mean         double precision NOT NULL DEFAULT 0,
    control_m2           double precision NOT NULL DEFAULT 0,
    promote_wealth       double precision[] NOT NULL DEFAULT '{}',
    rollback_wealth      double precision[] NOT NULL DEFAULT '{}',
    state                eclm.canary_state NOT NULL DEFAULT 'running',
    decided_at           timestamptz,
    decided_by           text,
    decision             text CHECK (length(decision) <= 4096),
    -- The statistics at the decision; written by trigger, so that the audit has them whoever decided.
    evidence             jsonb,
    UNIQUE (canary_id, candidate_release_id),
    FOREIGN KEY (model_id, channel_id) REFERENCES eclm.channels (model_id, channel_id),
    FOREIGN KEY (model_id, candidate_release_id) REFERENCES eclm.releases (model_id, release_id),
    FOREIGN KEY (model_id, control_release_id) REFERENCES eclm.releases (model_id, release_id),
    CHECK (candidate_release_id <> control_release_id),
    CHECK (candidate_block = 1 OR control_block = 1),
    CHECK (deadline > started_at),
    CHECK ((state = 'running') = (num_nonnulls(decided_at, decided_by, decision, evidence) = 0)),
    CHECK (state = 'running' OR num_nulls(decided_at, decided_by, decision, evidence) = 0)
);
CREATE UNIQUE INDEX canaries_running ON eclm.canaries (channel_id) WHERE state = 'running';
CREATE INDEX canaries_running_of_model ON eclm.canaries (model_id) WHERE state = 'running';
CREATE INDEX canaries_by_channel ON eclm.canaries (channel_id, canary_id);

-- What a device reported: once for each canary, so that a device that reports often weighs no more than others.
CREATE TABLE eclm.canary_observations (
    canary_id      bigint NOT NULL REFERENCES eclm.canaries,
    device_id      text NOT NULL REFERENCES eclm.devices,
    observation_id bigint GENERATED ALWAYS AS IDENTITY,
    candidate      boolean NOT NULL,
    value          double precision NOT NULL,
    observed_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- The block that counted it; NULL while it waits.
    block          bigint CHECK (block >= 1),
    PRIMARY KEY (canary_id, device_id)
);
CREATE INDEX canary_observations_waiting ON eclm.canary_observations (canary_id, candidate, observation_id)
    WHERE block IS NULL;

-- Whether a device gets the candidate: the first 48 bits of SHA-256(salt, name) as a fraction, below the share.
CREATE FUNCTION eclm.in_canary(salt bytea, share double precision, device text) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT
    RETURN ('x' || encode(substr(sha256(salt || convert_to(device, 'UTF8')), 1, 6), 'hex'))::bit(48)::bigint::float8
        / 281474976710656 < share;

-- The logarithm of the mean of numbers that are given by their logarithms; 0 for none, as at the start of a test.
CREATE FUNCTION eclm.log_mean_exp(logarithms double precision[]) RETURNS double precision
    LANGUAGE sql IMMUTABLE STRICT
    RETURN coalesce((SELECT max(top.v) + ln(avg(exp(greatest(l.v - top.v, -700))))
        FROM unnest(logarithms) l (v), (SELECT max(m.v) FROM unnest(logarithms) m (v)) top (v)), 0);

CREATE FUNCTION eclm.canary_evidence(of_canary eclm.canaries) RETURNS jsonb
    LANGUAGE sql STABLE
    RETURN jsonb_build_object(
        'blocks', of_canary.blocks,
        'candidate', jsonb_build_object('observations', of_canary.candidate_count, 'mean', of_canary.candidate_mean,
            'standard_deviation', sqrt(of_canary.candidate_m2 / greatest(of_canary.candidate_count - 1, 1))),
        'control', jsonb_build_object('observations', of_canary.control_count, 'mean', of_canary.control_mean,
            'standard_deviation', sqrt(of_canary.control_m2 / greatest(of_canary.control_count - 1, 1))),
        'promotion', jsonb_build_object('log_e_value', eclm.log_mean_exp(of_canary.promote_wealth),
            'needed', -ln(of_canary.alpha)),
        'rollback', jsonb_build_object('log_e_value', eclm.log_mean_exp(of_canary.rollback_wealth),
            'needed', -ln(of_canary.beta)));

CREATE FUNCTION eclm.check_canary() RETURNS trigger
    LANGUAGE plpgsql AS $$
DECLARE
    statistics text[] := '{blocks,candidate_count,candidate_mean,candidate_m2,control_count,control_mean,control_m2,promote_wealth,rollback_wealth,state,decided_at,decided_by,decision,evidence}';
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'running' OR NEW.control_release_id IS DISTINCT FROM
            (SELECT release_id FROM eclm.channels WHERE channel_id = NEW.channel_id FOR SHARE) THEN
            RAISE EXCEPTION 'a canary starts running, against the release that its channel points to'
                USING ERRCODE = 'EC002';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.state <> 'running' THEN
        RAISE EXCEPTION 'canary % is %: nothing of it changes any more', OLD.canary_id, OLD.state
            USING ERRCODE = 'EC001';
    END IF;
    IF to_jsonb(NEW) - statistics <> to_jsonb(OLD) - statistics OR NEW.blocks < OLD.blocks THEN
        RAISE EXCEPTION 'what canary % compares is immutable', OLD.canary_id USING ERRCODE = 'EC001';
    END IF;
    NEW.evidence := CASE WHEN NEW.state <> 'running' THEN eclm.canary_evidence(NEW) END;
    RETURN NEW;
END $$;
CREATE TRIGGER canaries_check BEFORE INSERT OR UPDATE ON eclm.canaries
    FOR EACH ROW EXECUTE FUNCTION eclm.check_canary();
CREATE TRIGGER canaries_immutable BEFORE DELETE ON eclm.canaries FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change();
CREATE TRIGGER canaries_keep BEFORE TRUNCATE ON eclm.canaries
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change();

CREATE FUNCTION eclm.check_canary_observation() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.block IS NOT NULL OR to_jsonb(NEW) - 'block' <> to_jsonb(OLD) - 'block' THEN
        RAISE EXCEPTION 'what a device reported is immutable, and counts once' USING ERRCODE = 'EC001';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER canary_observations_count BEFORE UPDATE ON eclm.canary_observations
    FOR EACH ROW EXECUTE FUNCTION eclm.check_canary_observation();
CREATE TRIGGER canary_observations_immutable BEFORE DELETE ON eclm.canary_observations
    FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change();
CREATE TRIGGER canary_observations_keep BEFORE TRUNCATE ON eclm.canary_observations
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change();

-- Takes what a device measured of a release as an observation of the canaries that compare it. It counts where the device
-- runs what the canary gave it; the first report counts. Gives the number of such canaries, also when repeated.
CREATE FUNCTION eclm.observe_canaries(device text, of_model bigint, of_release bigint, metrics jsonb) RETURNS integer
    LANGUAGE sql SECURITY DEFINER SET search_path = eclm, pg_temp
BEGIN ATOMIC
    WITH concerned AS (
        SELECT c.canary_id, c.candidate_release_id = of_release AS candidate, c.lower_bound, c.upper_bound,
            (metrics ->> c.metric)::numeric AS value
        FROM eclm.canaries c
        WHERE c.model_id = of_model AND c.state = 'running'
            AND of_release IN (c.candidate_release_id, c.control_release_id)
            AND (of_release = c.candidate_release_id) = eclm.in_canary(c.salt, c.share, device)
            AND jsonb_typeof(metrics -> c.metric) = 'number'
    ), observed AS (
        INSERT INTO eclm.canary_observations (canary_id, device_id, candidate, value)
        SELECT o.canary_id, device, o.candidate,
            CASE WHEN o.value <= o.lower_bound::numeric THEN o.lower_bound
                 WHEN o.value >= o.upper_bound::numeric THEN o.upper_bound
                 ELSE greatest(least(o.value::float8, o.upper_bound), o.lower_bound) END
        FROM concerned o
        ON CONFLICT DO NOTHING
    )
    SELECT count(*)::integer FROM concerned;
END;
REVOKE ALL ON FUNCTION eclm.observe_canaries FROM PUBLIC;

-- The metrics of a submission are such a report of the release that was trained.
CREATE FUNCTION eclm.observe_update() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = eclm, pg_temp AS $$
BEGIN
    PERFORM eclm.observe_canaries(NEW.device_id, NEW.model_id, NEW.base_release_id, NEW.metrics);
    RETURN NULL;
END $$;
CREATE TRIGGER updates_observe AFTER INSERT ON eclm.updates FOR EACH ROW
    WHEN (NEW.metrics <> '{}') EXECUTE FUNCTION eclm.observe_update();

-- A canary compares two releases for as long as the channel stays and neither is withdrawn: whoever moves the one or
-- withdraws the other ends it, in the same transaction.
CREATE FUNCTION eclm.cancel_canaries() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = eclm, pg_temp AS $$
BEGIN
    IF TG_TABLE_NAME = 'channels' THEN
        UPDATE eclm.canaries SET state = 'cancelled', decided_at = clock_timestamp(), decided_by = eclm.actor(),
            decision = format('channel %s was moved to release %s', NEW.name,
                (SELECT number FROM eclm.releases WHERE release_id = NEW.release_id))
        WHERE channel_id = NEW.channel_id AND state = 'running';
    ELSE
        UPDATE eclm.canaries c SET state = 'cancelled', decided_at = clock_timestamp(), decided_by = eclm.actor(),
            decision = 'a rollback withdrew one of the releases, or a module version of one'
        WHERE c.state = 'running' AND (NEW.release_id IN (c.candidate_release_id, c.control_release_id)
            OR EXISTS (SELECT FROM eclm.release_modules m WHERE m.module_version_id = NEW.module_version_id
                AND m.release_id IN (c.candidate_release_id, c.control_release_id)));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER channels_cancel_canaries AFTER UPDATE ON eclm.channels FOR EACH ROW
    WHEN (OLD.release_id <> NEW.release_id) EXECUTE FUNCTION eclm.cancel_canaries();
CREATE TRIGGER withdrawals_cancel_canaries AFTER INSERT ON eclm.withdrawals FOR EACH ROW
    EXECUTE FUNCTION eclm.cancel_canaries();

-- A candidate that was rolled back is withdrawn, unless a channel carries it.
ALTER TABLE eclm.withdrawals ALTER COLUMN rollback_id DROP NOT NULL;
ALTER TABLE eclm.withdrawals ADD COLUMN canary_id bigint;
ALTER TABLE eclm.withdrawals ADD FOREIGN KEY (canary_id, release_id)
    REFERENCES eclm.canaries (canary_id, candidate_release_id);
ALTER TABLE eclm.withdrawals ADD CHECK (num_nonnulls(rollback_id, canary_id) = 1);
ALTER TABLE eclm.withdrawals ADD CHECK (canary_id IS NULL OR release_id IS NOT NULL);

CREATE FUNCTION eclm.withdraw_candidate() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = eclm, pg_temp AS $$
BEGIN
    INSERT INTO eclm.withdrawals (release_id, canary_id, reason)
    SELECT NEW.candidate_release_id, NEW.canary_id, format('canary %s: %s', NEW.canary_id, NEW.decision)
    WHERE NOT EXISTS (SELECT FROM eclm.channels WHERE release_id = NEW.candidate_release_id)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER canaries_withdraw AFTER UPDATE ON eclm.canaries FOR EACH ROW
    WHEN (OLD.state = 'running' AND NEW.state = 'rolled_back') EXECUTE FUNCTION eclm.withdraw_candidate();

-- A start and a decision are audited; what is counted in between is not.
CREATE CONSTRAINT TRIGGER canaries_audit AFTER INSERT ON eclm.canaries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION eclm.audit_row('canary', 'canary_id');
CREATE CONSTRAINT TRIGGER canaries_audit_decision AFTER UPDATE ON eclm.canaries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.state <> NEW.state)
    EXECUTE FUNCTION eclm.audit_row('canary', 'canary_id');

-- Servers give devices the candidate from then on, or no more; trainers look for a decision.
CREATE FUNCTION eclm.notify_canaries() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'canaries' THEN
        PERFORM pg_notify('eclm_catalogue', TG_TABLE_NAME);
    END IF;
    PERFORM pg_notify('eclm_canaries', NEW.canary_id::text);
    RETURN NULL;
END $$;
CREATE TRIGGER canaries_notify AFTER INSERT ON eclm.canaries FOR EACH ROW EXECUTE FUNCTION eclm.notify_canaries();
CREATE TRIGGER canaries_notify_decision AFTER UPDATE ON eclm.canaries FOR EACH ROW
    WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION eclm.notify_canaries();
CREATE TRIGGER canary_observations_notify AFTER INSERT ON eclm.canary_observations
    FOR EACH ROW EXECUTE FUNCTION eclm.notify_canaries();

GRANT SELECT ON eclm.canaries, eclm.canary_observations TO eclm_reader;
GRANT EXECUTE ON FUNCTION eclm.observe_canaries TO eclm_device;
-- Salt, times, names and statistics are the database's and the trainer's.
GRANT INSERT (model_id, channel_id, candidate_release_id, control_release_id, share, metric, lower_is_better, lower_bound,
    upper_bound, margin, alpha, beta, minimum_observations, candidate_block, control_block, deadline)
    ON eclm.canaries TO eclm_operator;
GRANT UPDATE (state, decided_at, decided_by, decision) ON eclm.canaries TO eclm_operator, eclm_trainer;
GRANT UPDATE (blocks, candidate_count, candidate_mean, candidate_m2, control_count, control_mean, control_m2,
    promote_wealth, rollback_wealth) ON eclm.canaries TO eclm_trainer;
GRANT UPDATE (block) ON eclm.canary_observations TO eclm_trainer;

"""#),
        ("optimizers", #"""
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

"""#),
        ("audit_appends", #"""
-- The audit in time that grows with what changed and no faster: a transaction puts down what it changes, statement by
-- statement, and appends all of it at its end in one pass. Rows and hashes are those of 0006.

-- What this transaction changed and has not appended yet. Every transaction takes out what it put in before it commits:
-- nobody sees rows of another, and after a crash there is nothing to restore.
CREATE UNLOGGED TABLE eclm.audit_pending (
    audit_pending_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    action           text NOT NULL,
    object_kind      text NOT NULL,
    -- At most 1,000 changes of one statement.
    objects          text[] NOT NULL,
    details          jsonb[] NOT NULL CHECK (cardinality(details) = cardinality(objects))
);
-- Only the triggers below take rows out.
CREATE TRIGGER audit_pending_immutable BEFORE UPDATE OR DELETE ON eclm.audit_pending
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION eclm.refuse_change();
CREATE TRIGGER audit_pending_keep BEFORE TRUNCATE ON eclm.audit_pending
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change();

-- The same hash of the same text as in 0006, without a function's call for each field.
CREATE OR REPLACE FUNCTION eclm.audit_hash(
    previous_hash bytea, sequence bigint, at timestamptz, actor text, action text, object_kind text, object text, detail jsonb
) RETURNS bytea
    LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    field text;
    hashed text := '';
BEGIN
    FOREACH field IN ARRAY ARRAY[sequence::text, ((extract(epoch FROM at) * 1000000)::bigint)::text, actor, action,
            object_kind, object, detail::text] LOOP
        hashed := hashed || octet_length(convert_to(field, 'UTF8')) || ':' || field;
    END LOOP;
    RETURN sha256(previous_hash || convert_to(hashed, 'UTF8'));
END $$;
DROP FUNCTION eclm.audit_field;

-- Appends all that is pending, in the order in which it was put down. Who and why are those of the transaction's end.
CREATE FUNCTION eclm.append_pending() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = eclm, pg_temp AS $$
DECLARE
    head eclm.audit_head;
    now timestamptz;
    who text := eclm.actor();
    why jsonb := jsonb_strip_nulls(jsonb_build_object('reason', nullif(eclm.reason(), '')));
    change record;
    new_hash bytea;
BEGIN
    -- The first of a transaction's rows takes the others along: they find themselves gone.
    IF NOT EXISTS (SELECT FROM eclm.audit_pending WHERE audit_pending_id = NEW.audit_pending_id) THEN
        RETURN NULL;
    END IF;
    SELECT * INTO STRICT head FROM eclm.audit_head FOR UPDATE;
    now := clock_timestamp();
    FOR change IN
        SELECT p.action, p.object_kind, c.object, c.detail || why AS detail
        FROM eclm.audit_pending p
        CROSS JOIN LATERAL unnest(p.objects, p.details) WITH ORDINALITY c (object, detail, place)
        WHERE p.audit_pending_id >= NEW.audit_pending_id
        ORDER BY p.audit_pending_id, c.place
    LOOP
        new_hash := eclm.audit_hash(head.hash, head.sequence + 1, now, who, change.action, change.object_kind,
            change.object, change.detail);
        INSERT INTO eclm.audit (sequence, at, actor, action, object_kind, object, detail, previous_hash, hash)
            VALUES (head.sequence + 1, now, who, change.action, change.object_kind, change.object, change.detail,
                head.hash, new_hash);
        head.sequence := head.sequence + 1;
        head.hash := new_hash;
    END LOOP;
    UPDATE eclm.audit_head SET sequence = head.sequence, hash = head.hash;
    DELETE FROM eclm.audit_pending WHERE audit_pending_id >= NEW.audit_pending_id;
    RETURN NULL;
END $$;
-- Deferred: the chain's lock is taken at commit, after everything slow.
CREATE CONSTRAINT TRIGGER audit_pending_append AFTER INSERT ON eclm.audit_pending
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION eclm.append_pending();

CREATE OR REPLACE FUNCTION eclm.append_audit(action text, object_kind text, object text, detail jsonb) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = eclm, pg_temp
BEGIN ATOMIC
    INSERT INTO eclm.audit_pending (action, object_kind, objects, details)
        VALUES (action, object_kind, ARRAY[object], ARRAY[detail]);
END;

-- What a change of a row says in the audit: the new values, and the old ones under `before`. NULL where nothing changed.
CREATE FUNCTION eclm.audit_change(old_row jsonb, new_row jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    new_values jsonb;
    old_values jsonb;
BEGIN
    IF old_row = new_row THEN
        RETURN NULL;
    END IF;
    SELECT coalesce(jsonb_object_agg(e.key, e.value), '{}'), coalesce(jsonb_object_agg(e.key, old_row -> e.key), '{}')
        INTO new_values, old_values
        FROM jsonb_each(new_row - '{token_digest,created_in}'::text[]) e
        WHERE e.value IS DISTINCT FROM old_row -> e.key;
    RETURN new_values || jsonb_build_object('before', old_values);
END $$;

-- One row's change; the arguments are the object's kind and the name of the key column. The reason is added at the end.
CREATE OR REPLACE FUNCTION eclm.audit_row() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = eclm, pg_temp AS $$
DECLARE
    entry jsonb := to_jsonb(NEW) - '{token_digest,created_in}'::text[];
    detail jsonb := entry;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        detail := eclm.audit_change(to_jsonb(OLD), to_jsonb(NEW));
        IF detail IS NULL THEN
            RETURN NULL;
        END IF;
    END IF;
    PERFORM eclm.append_audit(TG_ARGV[0] || '.' || lower(TG_OP), TG_ARGV[0], entry ->> TG_ARGV[1], detail);
    RETURN NULL;
END $$;

-- The rows that one statement changed, as audit_row has them, in rows of 1,000. Both tables have them in the same order.
CREATE FUNCTION eclm.audit_changed_rows() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = eclm, pg_temp
    -- A plan that was made for one row and is used for many must stay linear.
    SET enable_nestloop = off AS $$
BEGIN
    WITH changes AS MATERIALIZED (
        SELECT place, n.new_row ->> TG_ARGV[1] AS object, eclm.audit_change(o.old_row, n.new_row) AS detail
        FROM (SELECT to_jsonb(old_rows) AS old_row, row_number() OVER () AS place FROM old_rows) o
        JOIN (SELECT to_jsonb(new_rows) AS new_row, row_number() OVER () AS place FROM new_rows) n USING (place)
    )
    INSERT INTO eclm.audit_pending (action, object_kind, objects, details)
    SELECT TG_ARGV[0] || '.update', TG_ARGV[0], array_agg(object ORDER BY place), array_agg(detail ORDER BY place)
    FROM changes
    WHERE detail IS NOT NULL
    GROUP BY (place - 1) / 1000
    ORDER BY (place - 1) / 1000;
    RETURN NULL;
END $$;
DROP TRIGGER updates_audit ON eclm.updates;
CREATE TRIGGER updates_audit AFTER UPDATE ON eclm.updates REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.audit_changed_rows('update', 'update_id');

-- All other tables put down row by row, and at once, so that the audit has what happened in its order.
DO $$
DECLARE
    audited record;
BEGIN
    FOR audited IN
        SELECT t.tgname, t.tgrelid, replace(replace(pg_get_triggerdef(t.oid), 'CREATE CONSTRAINT TRIGGER', 'CREATE TRIGGER'),
            ' DEFERRABLE INITIALLY DEFERRED', '') AS definition
        FROM pg_trigger t
        WHERE t.tgfoid = 'eclm.audit_row'::regproc AND t.tgdeferrable
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', audited.tgname, audited.tgrelid::regclass);
        EXECUTE audited.definition;
    END LOOP;
END $$;

"""#),
        ("privacy", #"""
-- Differential privacy: what each private round cost, whom, and what its noise was drawn from. docs/trainer.md has the
-- definition.

-- What the guarantee is computed of must be there, and nothing that it does not hold with.
ALTER TABLE eclm.policies ADD CONSTRAINT policies_private CHECK (rule <> 'private_mean'
    OR (parameters ?& '{noise_multiplier,clip_norm,delta}' AND NOT parameters ?| '{norm_z,refuse_duplicates,staleness}'
        AND (parameters ->> 'noise_multiplier')::float8 > 0 AND (parameters ->> 'clip_norm')::float8 > 0
        AND (parameters ->> 'delta')::float8 BETWEEN 1e-300 AND 0.5 AND quorum = 0));

-- A private round takes the oldest pending update of each device.
CREATE INDEX updates_pending_by_device ON eclm.updates (model_id, device_id, update_id) WHERE status = 'pending';

-- The smallest epsilon for a delta, of Gaussian mechanisms whose 1 / (2 * noise multiplier ^ 2) have the sum rho: their Rényi
-- divergence of order a is a * rho (Mironov, 2017), converted by Canonne, Kamath and Steinke (2020, proposition 12) at the
-- best of many orders.
CREATE FUNCTION eclm.privacy_epsilon(rho double precision, delta double precision) RETURNS double precision
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN rho <= 0 THEN 0 ELSE greatest(0, min(o.a * rho + ln(1 - 1 / o.a) - (ln(delta) + ln(o.a)) / (o.a - 1))) END
    FROM (SELECT 1 + power(2::double precision, n / 16.0::double precision) AS a FROM generate_series(-128, 320) n) o;
END;

-- A round's parameters, and what the model's rounds up to this one cost. The trainer names the round; the rest is computed.
CREATE TABLE eclm.round_privacy (
    round_id         bigint PRIMARY KEY,
    model_id         bigint NOT NULL,
    number           integer NOT NULL,
    noise_multiplier double precision NOT NULL CHECK (noise_multiplier > 0),
    clip_norm        double precision NOT NULL CHECK (clip_norm > 0),
    delta            double precision NOT NULL CHECK (delta > 0 AND delta < 1),
    -- Counted, one of each device.
    updates          integer NOT NULL CHECK (updates >= 1),
    -- Private rounds of the model, with this one; devices that they counted; and the most that they cost one of these.
    private_rounds   integer NOT NULL CHECK (private_rounds BETWEEN 1 AND number),
    devices          integer NOT NULL CHECK (devices >= 1),
    rho              double precision NOT NULL CHECK (rho > 0),
    UNIQUE (model_id, number),
    FOREIGN KEY (model_id, round_id) REFERENCES eclm.rounds (model_id, round_id)
);

-- What noise was drawn from. Who reads it can take the noise off a release: not for readers.
CREATE TABLE eclm.round_seeds (
    round_id bigint PRIMARY KEY REFERENCES eclm.round_privacy,
    seed     bytea NOT NULL CHECK (octet_length(seed) = 32)
);

-- What private rounds cost each device so far. It only ever grows: neither a rollback nor a withdrawal takes back what was
-- released.
CREATE TABLE eclm.privacy_ledger (
    model_id  bigint NOT NULL REFERENCES eclm.models,
    device_id text NOT NULL REFERENCES eclm.devices,
    rounds    integer NOT NULL CHECK (rounds >= 1),
    rho       double precision NOT NULL CHECK (rho > 0),
    PRIMARY KEY (model_id, device_id)
);

CREATE FUNCTION eclm.check_privacy_ledger() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.model_id, NEW.device_id, NEW.rounds) <> (OLD.model_id, OLD.device_id, OLD.rounds + 1) OR NEW.rho < OLD.rho THEN
        RAISE EXCEPTION 'what private rounds cost a device grows round by round, and in no other way' USING ERRCODE = 'EC001';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER privacy_ledger_grows BEFORE UPDATE ON eclm.privacy_ledger
    FOR EACH ROW EXECUTE FUNCTION eclm.check_privacy_ledger();
CREATE TRIGGER privacy_ledger_immutable BEFORE DELETE ON eclm.privacy_ledger
    FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change();
CREATE TRIGGER privacy_ledger_keep BEFORE TRUNCATE ON eclm.privacy_ledger
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change();
DO $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['round_privacy', 'round_seeds'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON eclm.%I FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change()',
            table_name || '_immutable', table_name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON eclm.%I FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change()',
            table_name || '_keep', table_name);
    END LOOP;
END $$;

-- Charges the devices of a round, whose updates are in round_updates by now. Rounds of a model commit one after the other.
CREATE FUNCTION eclm.spend_privacy() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = eclm, pg_temp AS $$
DECLARE
    epsilon_limit double precision;
    devices bigint;
    earlier eclm.round_privacy;
    highest double precision;
    newcomers bigint;
BEGIN
    SELECT r.model_id, r.number, (p.parameters ->> 'noise_multiplier')::float8, (p.parameters ->> 'clip_norm')::float8,
            (p.parameters ->> 'delta')::float8, (p.parameters ->> 'epsilon_limit')::float8
        INTO NEW.model_id, NEW.number, NEW.noise_multiplier, NEW.clip_norm, NEW.delta, epsilon_limit
        FROM rounds r JOIN policies p ON p.model_id = r.model_id AND p.revision = r.policy_revision
        WHERE r.round_id = NEW.round_id AND p.rule = 'private_mean';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'round % follows no policy with the rule private_mean', NEW.round_id USING ERRCODE = 'EC002';
    END IF;
    SELECT count(*), count(DISTINCT u.device_id) INTO NEW.updates, devices
        FROM round_updates ru JOIN updates u USING (update_id) WHERE ru.round_id = NEW.round_id;
    IF NEW.updates <> devices THEN
        RAISE EXCEPTION 'private round % counts a device twice', NEW.number USING ERRCODE = 'EC002';
    END IF;
    SELECT * INTO earlier FROM round_privacy y WHERE y.model_id = NEW.model_id ORDER BY y.number DESC LIMIT 1;
    WITH spent AS (
        INSERT INTO privacy_ledger AS l (model_id, device_id, rounds, rho)
        SELECT NEW.model_id, u.device_id, 1, 1 / (2 * NEW.noise_multiplier * NEW.noise_multiplier)
        FROM round_updates ru JOIN updates u USING (update_id) WHERE ru.round_id = NEW.round_id
        ON CONFLICT (model_id, device_id) DO UPDATE SET rounds = l.rounds + 1, rho = l.rho + EXCLUDED.rho
        RETURNING l.rounds, l.rho
    )
    SELECT max(s.rho), count(*) FILTER (WHERE s.rounds = 1) INTO highest, newcomers FROM spent s;
    IF privacy_epsilon(highest, NEW.delta) > epsilon_limit THEN
        RAISE EXCEPTION 'private round % counts a device beyond the epsilon limit', NEW.number USING ERRCODE = 'EC002';
    END IF;
    NEW.private_rounds := coalesce(earlier.private_rounds, 0) + 1;
    NEW.devices := coalesce(earlier.devices, 0) + newcomers;
    NEW.rho := greatest(earlier.rho, highest);
    RETURN NEW;
END $$;
CREATE TRIGGER round_privacy_spend BEFORE INSERT ON eclm.round_privacy FOR EACH ROW EXECUTE FUNCTION eclm.spend_privacy();
CREATE TRIGGER round_privacy_audit AFTER INSERT ON eclm.round_privacy
    FOR EACH ROW EXECUTE FUNCTION eclm.audit_row('round_privacy', 'round_id');

-- A private round is charged, for the updates that it counts, and keeps its seed, at every commit.
CREATE FUNCTION eclm.check_private_round() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM eclm.round_privacy y JOIN eclm.round_seeds USING (round_id) WHERE y.round_id = NEW.round_id
            AND y.updates = (SELECT count(*) FROM eclm.round_updates ru WHERE ru.round_id = NEW.round_id)) THEN
        RAISE EXCEPTION 'private round % is not charged for what it counts, or has no seed', NEW.number
            USING ERRCODE = 'EC002';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER rounds_private AFTER INSERT ON eclm.rounds
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.rule LIKE 'private\_mean%')
    EXECUTE FUNCTION eclm.check_private_round();

-- What whoever has a release, and all before it, may learn of one device. `epsilon` is NULL, unbounded, once a round
-- without privacy came before; `private_epsilon` is that of the devices that took part in private rounds alone.
CREATE VIEW eclm.release_privacy AS
SELECT mo.name AS model, e.number AS release,
    CASE WHEN upto.number = coalesce(y.private_rounds, 0) THEN coalesce(eclm.privacy_epsilon(y.rho, y.delta), 0) END AS epsilon,
    y.delta, eclm.privacy_epsilon(y.rho, y.delta) AS private_epsilon, coalesce(y.devices, 0) AS devices,
    coalesce(y.private_rounds, 0) AS private_rounds, upto.number - coalesce(y.private_rounds, 0) AS unprotected_rounds,
    y.noise_multiplier, y.clip_norm
FROM eclm.releases e
JOIN eclm.models mo USING (model_id)
-- The last round before the release: its own, or the last one that had committed.
CROSS JOIN LATERAL (SELECT coalesce((SELECT r.number FROM eclm.rounds r WHERE r.round_id = e.round_id),
    (SELECT r.number FROM eclm.rounds r WHERE e.round_id IS NULL AND r.model_id = e.model_id
        AND r.committed_at <= e.created_at ORDER BY r.number DESC LIMIT 1), 0) AS number) upto
LEFT JOIN LATERAL (SELECT y.* FROM eclm.round_privacy y WHERE y.model_id = e.model_id AND y.number <= upto.number
    ORDER BY y.number DESC LIMIT 1) y ON true;

-- Where the ledger, or what a round says of it, is not what the rounds come to; computed from the rounds, not by the
-- triggers that see to it. No row where all is well.
CREATE VIEW eclm.privacy_problems AS
SELECT mo.name AS model, coalesce(l.device_id, t.device_id) AS device_id,
    format('charged for %s rounds, counted in %s', coalesce(l.rounds, 0), coalesce(t.rounds, 0)) AS problem
FROM eclm.privacy_ledger l
FULL JOIN (SELECT y.model_id, u.device_id, count(*) AS rounds, sum(1 / (2 * y.noise_multiplier * y.noise_multiplier)) AS rho
    FROM eclm.round_privacy y
    JOIN eclm.round_updates ru USING (round_id)
    JOIN eclm.updates u USING (update_id)
    GROUP BY y.model_id, u.device_id) t ON t.model_id = l.model_id AND t.device_id = l.device_id
JOIN eclm.models mo ON mo.model_id = coalesce(l.model_id, t.model_id)
WHERE l.rounds IS DISTINCT FROM t.rounds OR abs(l.rho / t.rho - 1) > 1e-9
UNION ALL
SELECT mo.name, NULL, format('round %s says that %s devices spent %s at most; the ledger has %s and %s', y.number, y.devices,
    y.rho, l.devices, l.rho)
FROM (SELECT DISTINCT ON (model_id) * FROM eclm.round_privacy ORDER BY model_id, number DESC) y
JOIN eclm.models mo USING (model_id)
CROSS JOIN LATERAL (SELECT count(*) AS devices, max(p.rho) AS rho FROM eclm.privacy_ledger p
    WHERE p.model_id = y.model_id) l
WHERE (y.devices, y.rho) IS DISTINCT FROM (l.devices, l.rho)
UNION ALL
SELECT mo.name, NULL, format('round %s is private and was not charged', r.number)
FROM eclm.rounds r JOIN eclm.models mo USING (model_id)
WHERE r.rule LIKE 'private\_mean%' AND NOT EXISTS (SELECT FROM eclm.round_privacy y WHERE y.round_id = r.round_id);

GRANT SELECT ON eclm.round_privacy, eclm.privacy_ledger, eclm.release_privacy, eclm.privacy_problems TO eclm_reader;
GRANT INSERT (round_id) ON eclm.round_privacy TO eclm_trainer;
GRANT SELECT, INSERT ON eclm.round_seeds TO eclm_trainer;

"""#),
        ("regions", #"""
-- Regions: a registry that mirrors a parent's releases and hands it partial aggregates, and a parent that takes them.

-- The region's side.

-- Which release of this registry is which of the parent's.
CREATE TABLE eclm.mirrored_releases (
    model_id       bigint NOT NULL,
    -- The release's number at the parent.
    parent_release integer NOT NULL CHECK (parent_release >= 1),
    -- The same one for two of the parent's where nothing differs between them.
    release_id     bigint NOT NULL,
    -- Where it came from, as HOST:PORT.
    parent         text NOT NULL CHECK (length(parent) BETWEEN 1 AND 1024),
    mirrored_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (model_id, parent_release),
    FOREIGN KEY (model_id, release_id) REFERENCES eclm.releases (model_id, release_id)
);
CREATE INDEX mirrored_releases_by_release ON eclm.mirrored_releases (release_id);

-- A round that made partial aggregates instead of versions, and what became of them. The outbox: a row waits until the
-- parent has taken what the round made, as its update `parent_update_id`.
CREATE TABLE eclm.hand_overs (
    round_id         bigint PRIMARY KEY,
    model_id         bigint NOT NULL,
    region           eclm.device_name NOT NULL,
    parent_release   integer NOT NULL,
    -- What the parent knows the hand-over by: the same, however often it is sent.
    idempotency_key  text NOT NULL CHECK (length(idempotency_key) BETWEEN 1 AND 128),
    -- Samples of all updates of the round.
    sample_count     bigint NOT NULL CHECK (sample_count > 0),
    -- empty: the round's updates trained nothing that the rule trains. taken: pending at the parent. refused: for good.
    state            text NOT NULL CHECK (state IN ('empty', 'waiting', 'taken', 'aggregated', 'quarantined', 'refused')),
    parent_update_id bigint,
    -- Why it is refused or quarantined, or does not arrive.
    reason           text CHECK (length(reason) BETWEEN 1 AND 1000),
    attempts         integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    changed_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (region, idempotency_key),
    FOREIGN KEY (model_id, round_id) REFERENCES eclm.rounds (model_id, round_id),
    FOREIGN KEY (model_id, parent_release) REFERENCES eclm.mirrored_releases (model_id, parent_release),
    CHECK ((state IN ('taken', 'aggregated', 'quarantined')) = (parent_update_id IS NOT NULL)),
    CHECK (state NOT IN ('quarantined', 'refused') OR reason IS NOT NULL)
);
CREATE INDEX hand_overs_open ON eclm.hand_overs (round_id) WHERE state IN ('waiting', 'taken', 'quarantined');

-- What a round made of a module for the parent.
CREATE TABLE eclm.partials (
    round_id        bigint NOT NULL REFERENCES eclm.hand_overs,
    module_id       bigint NOT NULL,
    -- The version that the difference is told to: that of the mirrored release.
    base_version_id bigint NOT NULL,
    digest          eclm.sha256 NOT NULL REFERENCES eclm.blobs,
    -- The document that names the inputs.
    lineage         eclm.sha256 NOT NULL REFERENCES eclm.blobs,
    -- What the inputs weigh together.
    importance      eclm.importance NOT NULL,
    sample_count    bigint NOT NULL CHECK (sample_count > 0),
    -- Updates of devices in it, through all levels below.
    updates         bigint NOT NULL CHECK (updates > 0),
    PRIMARY KEY (round_id, module_id),
    FOREIGN KEY (module_id, base_version_id) REFERENCES eclm.module_versions (module_id, module_version_id)
);
CREATE INDEX partials_by_digest ON eclm.partials (digest);
CREATE INDEX partials_by_lineage ON eclm.partials (lineage);

CREATE TRIGGER hand_overs_immutable BEFORE DELETE OR UPDATE OF round_id, model_id, region, parent_release,
    idempotency_key, sample_count ON eclm.hand_overs FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change();

CREATE FUNCTION eclm.check_hand_over_change() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.parent_update_id IS NOT NULL AND NEW.parent_update_id IS DISTINCT FROM OLD.parent_update_id THEN
        RAISE EXCEPTION 'the parent took the hand-over of round % as its update %', OLD.round_id, OLD.parent_update_id
            USING ERRCODE = 'EC001';
    END IF;
    IF NEW.state <> OLD.state AND (OLD.state IN ('empty', 'aggregated', 'refused') OR NEW.state IN ('empty', 'waiting'))
    THEN
        RAISE EXCEPTION 'the hand-over of round % is % and cannot become %', OLD.round_id, OLD.state, NEW.state
            USING ERRCODE = 'EC001';
    END IF;
    NEW.changed_at := clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER hand_overs_change BEFORE UPDATE ON eclm.hand_overs
    FOR EACH ROW EXECUTE FUNCTION eclm.check_hand_over_change();

-- A hand-over has partial aggregates or is empty, and its round makes no version, at every commit.
CREATE FUNCTION eclm.check_hand_over() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM eclm.partials WHERE round_id = NEW.round_id) = (NEW.state = 'empty') THEN
        RAISE EXCEPTION 'the hand-over of round % is % and has partial aggregates, or the other way round',
            NEW.round_id, NEW.state USING ERRCODE = 'EC002';
    END IF;
    IF EXISTS (SELECT FROM eclm.module_versions WHERE round_id = NEW.round_id) THEN
        RAISE EXCEPTION 'round % is handed over, but made versions', NEW.round_id USING ERRCODE = 'EC002';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER hand_overs_complete AFTER INSERT ON eclm.hand_overs
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION eclm.check_hand_over();
-- Failed attempts change no state and are not audited.
CREATE TRIGGER hand_overs_audit AFTER INSERT OR UPDATE OF state ON eclm.hand_overs
    FOR EACH ROW EXECUTE FUNCTION eclm.audit_row('hand_over', 'round_id');

CREATE FUNCTION eclm.notify_hand_overs() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('eclm_hand_overs', NEW.model_id::text);
    RETURN NULL;
END $$;
CREATE TRIGGER hand_overs_notify AFTER INSERT ON eclm.hand_overs
    FOR EACH ROW EXECUTE FUNCTION eclm.notify_hand_overs();

-- The parent's side.

-- What makes a module of an update a partial aggregate of a region: the document that names its inputs.
CREATE TABLE eclm.partial_aggregates (
    update_id bigint NOT NULL,
    module_id bigint NOT NULL,
    -- The document's digest; its bytes are the blob, and here for queries.
    lineage   eclm.sha256 NOT NULL REFERENCES eclm.blobs,
    document  jsonb NOT NULL CHECK (jsonb_typeof(document) = 'object' AND jsonb_typeof(document -> 'inputs') = 'array'),
    region    text NOT NULL GENERATED ALWAYS AS (document ->> 'region') STORED,
    rule      text NOT NULL GENERATED ALWAYS AS (document ->> 'rule') STORED,
    inputs    integer NOT NULL GENERATED ALWAYS AS (jsonb_array_length(document -> 'inputs')) STORED,
    -- Updates of devices in it, through all levels below.
    updates   bigint NOT NULL CHECK (updates > 0),
    PRIMARY KEY (update_id, module_id),
    FOREIGN KEY (update_id, module_id) REFERENCES eclm.update_modules (update_id, module_id)
);
CREATE INDEX partial_aggregates_by_lineage ON eclm.partial_aggregates (lineage);

-- The inputs of partial aggregates, as their regions told them: one row for each update of a region.
CREATE VIEW eclm.partial_inputs AS
SELECT p.update_id, p.module_id, m.name AS module, p.region, i.position, i.name AS input,
    decode(replace(i.file, 'sha256:', ''), 'hex') AS digest, i.encoding, decode(replace(i.base, 'sha256:', ''), 'hex') AS base,
    i.importance, i."sampleCount" AS sample_count, i.weight, i.updates,
    decode(replace(i.lineage, 'sha256:', ''), 'hex') AS lineage
FROM eclm.partial_aggregates p
JOIN eclm.modules m USING (module_id)
CROSS JOIN LATERAL ROWS FROM (jsonb_to_recordset(p.document -> 'inputs') AS (name text, file text, encoding text, base text,
    importance double precision, "sampleCount" bigint, weight double precision, updates bigint, lineage text))
    WITH ORDINALITY AS i (name, file, encoding, base, importance, "sampleCount", weight, updates, lineage, position);

-- Rounds and partial aggregates whose sums are not those of their inputs; no row where all are.
CREATE VIEW eclm.partial_problems AS
SELECT mo.name AS model, m.name AS module, h.round_id, NULL::bigint AS update_id, s.problem
FROM eclm.hand_overs h
JOIN eclm.models mo USING (model_id)
JOIN eclm.partials p USING (round_id)
JOIN eclm.modules m USING (module_id)
CROSS JOIN LATERAL (SELECT sum(coalesce(a.updates, 1)) AS updates, sum(um.sample_count) AS samples,
        sum(um.importance) AS importance
    FROM eclm.round_updates ru
    JOIN eclm.update_modules um ON um.update_id = ru.update_id AND um.module_id = p.module_id
    LEFT JOIN eclm.partial_aggregates a ON a.update_id = um.update_id AND a.module_id = um.module_id
    WHERE ru.round_id = h.round_id) c
CROSS JOIN LATERAL (SELECT CASE
    WHEN c.updates IS DISTINCT FROM p.updates THEN format('of %s updates, but its round counted %s', p.updates, c.updates)
    WHEN c.samples <> p.sample_count THEN format('of %s samples, but its round counted %s', p.sample_count, c.samples)
    WHEN abs(c.importance - p.importance) > 1e-9 * p.importance
        THEN format('of importance %s, but its round counted %s', p.importance, c.importance)
    END AS problem) s
WHERE s.problem IS NOT NULL
UNION ALL
SELECT mo.name, m.name, NULL, p.update_id, s.problem
FROM eclm.partial_aggregates p
JOIN eclm.update_modules um USING (update_id, module_id)
JOIN eclm.models mo ON mo.model_id = um.model_id
JOIN eclm.modules m USING (module_id)
CROSS JOIN LATERAL (SELECT sum(i.updates) AS updates, sum(i.sample_count) AS samples, sum(i.importance) AS importance
    FROM eclm.partial_inputs i WHERE i.update_id = p.update_id AND i.module_id = p.module_id) c
CROSS JOIN LATERAL (SELECT CASE
    WHEN c.updates IS DISTINCT FROM p.updates THEN format('of %s updates, but its document names %s', p.updates, c.updates)
    WHEN c.samples <> um.sample_count THEN format('of %s samples, but its document names %s', um.sample_count, c.samples)
    WHEN abs(c.importance - um.importance) > 1e-9 * um.importance
        THEN format('of importance %s, but its document names %s', um.importance, c.importance)
    END AS problem) s
WHERE s.problem IS NOT NULL;

DO $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['mirrored_releases', 'partials', 'partial_aggregates'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON eclm.%I FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change()',
            table_name || '_immutable', table_name);
    END LOOP;
    FOREACH table_name IN ARRAY ARRAY['mirrored_releases', 'hand_overs', 'partials', 'partial_aggregates'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON eclm.%I FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change()',
            table_name || '_keep', table_name);
    END LOOP;
END $$;

GRANT SELECT ON eclm.mirrored_releases, eclm.hand_overs, eclm.partials, eclm.partial_aggregates, eclm.partial_inputs,
    eclm.partial_problems TO eclm_reader;
-- A region's trainer publishes what the parent released, withdraws what the parent withdrew, and makes rounds: its login is
-- in the roles of a publisher, an operator and a trainer.
GRANT INSERT (model_id, parent_release, release_id, parent) ON eclm.mirrored_releases TO eclm_publisher;
GRANT INSERT (round_id, model_id, region, parent_release, idempotency_key, sample_count, state) ON eclm.hand_overs
    TO eclm_trainer;
GRANT UPDATE (state, parent_update_id, reason, attempts) ON eclm.hand_overs TO eclm_trainer;
GRANT INSERT ON eclm.partials TO eclm_trainer;
GRANT INSERT (update_id, module_id, lineage, document, updates) ON eclm.partial_aggregates TO eclm_device;

"""#),
        ("policy_methods", #"""
-- The methods that policies may name, and the encodings of updates, as the program knows them that migrated the database:
-- `registryctl migrate` writes them, and nobody else.

-- kind: an aggregation rule or a server optimizer.
CREATE TABLE eclm.policy_methods (
    kind            text NOT NULL CHECK (kind IN ('rule', 'optimizer')),
    name            text NOT NULL CHECK (name ~ '^[a-z0-9_]{1,48}$'),
    summary         text NOT NULL,
    -- Of a rule, the most updates that a round may take with it.
    maximum_updates integer CHECK (maximum_updates >= 1),
    -- Of a rule, whether it keeps each device's part private.
    is_private      boolean NOT NULL DEFAULT false,
    PRIMARY KEY (kind, name),
    CHECK ((kind = 'rule') = (maximum_updates IS NOT NULL)),
    CHECK (kind = 'rule' OR NOT is_private)
);

CREATE TABLE eclm.policy_parameters (
    kind        text NOT NULL,
    method      text NOT NULL,
    name        text NOT NULL CHECK (name ~ '^[a-z0-9_]{1,48}$'),
    summary     text NOT NULL,
    minimum     double precision NOT NULL,
    maximum     double precision NOT NULL CHECK (maximum >= minimum),
    -- What counts where a policy does not say; NULL where it is off then, or must be given.
    standard    double precision CHECK (standard BETWEEN minimum AND maximum),
    is_whole    boolean NOT NULL,
    is_required boolean NOT NULL,
    PRIMARY KEY (kind, method, name),
    FOREIGN KEY (kind, method) REFERENCES eclm.policy_methods ON DELETE CASCADE
);

CREATE TABLE eclm.update_encodings (
    name          text PRIMARY KEY CHECK (name ~ '^[a-z0-9_]{1,32}$'),
    summary       text NOT NULL,
    -- Whether it tells how weights differ from the base version's, and means nothing without it.
    is_difference boolean NOT NULL
);

GRANT SELECT ON eclm.policy_methods, eclm.policy_parameters, eclm.update_encodings TO eclm_reader;

-- Refuses parameters that a method does not have, values outside their ranges, and required ones that are missing.
CREATE FUNCTION eclm.check_policy_parameters(of_kind text, of_method text, given jsonb) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = eclm, pg_temp AS $$
DECLARE
    problem text;
BEGIN
    IF NOT EXISTS (SELECT FROM policy_methods m WHERE m.kind = of_kind AND m.name = of_method) THEN
        RAISE EXCEPTION 'there is no % %', of_kind, of_method USING ERRCODE = 'check_violation',
            HINT = 'eclm.policy_methods has those there are; a newer program''s come with its registryctl migrate';
    END IF;
    SELECT CASE
            WHEN p.name IS NULL THEN format('%s %s has no parameter %s', of_kind, of_method, g.key)
            WHEN g.key IS NULL THEN format('%s %s needs parameter %s', of_kind, of_method, p.name)
            ELSE format('parameter %s of %s %s is %s, not %s in %s...%s', p.name, of_kind, of_method, g.value,
                CASE WHEN p.is_whole THEN 'a whole number' ELSE 'a number' END, p.minimum, p.maximum)
        END INTO problem
    FROM jsonb_each(given) g
    FULL JOIN (SELECT * FROM policy_parameters p WHERE p.kind = of_kind AND p.method = of_method) p ON p.name = g.key
    WHERE p.name IS NULL
        OR (g.key IS NULL AND p.is_required)
        OR (g.key IS NOT NULL AND ((g.value #>> '{}')::float8 NOT BETWEEN p.minimum AND p.maximum
            OR p.is_whole AND (g.value #>> '{}')::float8 <> trunc((g.value #>> '{}')::float8)))
    ORDER BY coalesce(g.key, p.name) LIMIT 1;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION '%', problem USING ERRCODE = 'check_violation';
    END IF;
END $$;

CREATE FUNCTION eclm.check_policy() RETURNS trigger
    LANGUAGE plpgsql SET search_path = eclm, pg_temp AS $$
DECLARE
    method policy_methods;
BEGIN
    PERFORM check_policy_parameters('rule', NEW.rule, NEW.parameters);
    PERFORM check_policy_parameters('optimizer', NEW.optimizer, NEW.optimizer_parameters);
    SELECT * INTO method FROM policy_methods m WHERE m.kind = 'rule' AND m.name = NEW.rule;
    IF NEW.maximum_updates > method.maximum_updates THEN
        RAISE EXCEPTION 'rule % takes at most % updates a round', NEW.rule, method.maximum_updates USING ERRCODE = 'check_violation';
    END IF;
    IF method.is_private AND NEW.quorum <> 0 THEN
        RAISE EXCEPTION 'rule % takes no quorum: when a round begins must not depend on which modules devices trained',
            NEW.rule USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER policies_methods BEFORE INSERT ON eclm.policies FOR EACH ROW EXECUTE FUNCTION eclm.check_policy();

-- What a private rule needs is among its parameters now.
ALTER TABLE eclm.policies DROP CONSTRAINT policies_private;

-- Statement by statement: a submission has all its modules in one.
CREATE FUNCTION eclm.check_update_encodings() RETURNS trigger
    LANGUAGE plpgsql SET search_path = eclm, pg_temp AS $$
DECLARE
    unknown text;
BEGIN
    SELECT n.encoding INTO unknown FROM new_rows n
        WHERE NOT EXISTS (SELECT FROM update_encodings e WHERE e.name = n.encoding) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'there is no encoding % of updates', unknown USING ERRCODE = 'check_violation',
            HINT = 'eclm.update_encodings has those there are; a newer program''s come with its registryctl migrate';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER update_modules_encodings AFTER INSERT ON eclm.update_modules
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION eclm.check_update_encodings();

-- Whether a round followed a private rule.
CREATE FUNCTION eclm.is_private_round(model bigint, revision integer) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = eclm, pg_temp
BEGIN ATOMIC
    SELECT EXISTS (SELECT FROM eclm.policies p JOIN eclm.policy_methods m ON m.kind = 'rule' AND m.name = p.rule
        WHERE p.model_id = model AND p.revision = is_private_round.revision AND m.is_private);
END;

CREATE OR REPLACE FUNCTION eclm.spend_privacy() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = eclm, pg_temp AS $$
DECLARE
    epsilon_limit double precision;
    devices bigint;
    earlier eclm.round_privacy;
    highest double precision;
    newcomers bigint;
BEGIN
    SELECT r.model_id, r.number, (p.parameters ->> 'noise_multiplier')::float8, (p.parameters ->> 'clip_norm')::float8,
            (p.parameters ->> 'delta')::float8, (p.parameters ->> 'epsilon_limit')::float8
        INTO NEW.model_id, NEW.number, NEW.noise_multiplier, NEW.clip_norm, NEW.delta, epsilon_limit
        FROM rounds r JOIN policies p ON p.model_id = r.model_id AND p.revision = r.policy_revision
        WHERE r.round_id = NEW.round_id AND is_private_round(r.model_id, r.policy_revision);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'round % follows no policy with a private rule', NEW.round_id USING ERRCODE = 'EC002';
    END IF;
    SELECT count(*), count(DISTINCT u.device_id) INTO NEW.updates, devices
        FROM round_updates ru JOIN updates u USING (update_id) WHERE ru.round_id = NEW.round_id;
    IF NEW.updates <> devices THEN
        RAISE EXCEPTION 'private round % counts a device twice', NEW.number USING ERRCODE = 'EC002';
    END IF;
    SELECT * INTO earlier FROM round_privacy y WHERE y.model_id = NEW.model_id ORDER BY y.number DESC LIMIT 1;
    WITH spent AS (
        INSERT INTO privacy_ledger AS l (model_id, device_id, rounds, rho)
        SELECT NEW.model_id, u.device_id, 1, 1 / (2 * NEW.noise_multiplier * NEW.noise_multiplier)
        FROM round_updates ru JOIN updates u USING (update_id) WHERE ru.round_id = NEW.round_id
        ON CONFLICT (model_id, device_id) DO UPDATE SET rounds = l.rounds + 1, rho = l.rho + EXCLUDED.rho
        RETURNING l.rounds, l.rho
    )
    SELECT max(s.rho), count(*) FILTER (WHERE s.rounds = 1) INTO highest, newcomers FROM spent s;
    IF privacy_epsilon(highest, NEW.delta) > epsilon_limit THEN
        RAISE EXCEPTION 'private round % counts a device beyond the epsilon limit', NEW.number USING ERRCODE = 'EC002';
    END IF;
    NEW.private_rounds := coalesce(earlier.private_rounds, 0) + 1;
    NEW.devices := coalesce(earlier.devices, 0) + newcomers;
    NEW.rho := greatest(earlier.rho, highest);
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION eclm.check_private_round() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF eclm.is_private_round(NEW.model_id, NEW.policy_revision)
        AND NOT EXISTS (SELECT FROM eclm.round_privacy y JOIN eclm.round_seeds USING (round_id)
            WHERE y.round_id = NEW.round_id
            AND y.updates = (SELECT count(*) FROM eclm.round_updates ru WHERE ru.round_id = NEW.round_id)) THEN
        RAISE EXCEPTION 'private round % is not charged for what it counts, or has no seed', NEW.number
            USING ERRCODE = 'EC002';
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER rounds_private ON eclm.rounds;
CREATE CONSTRAINT TRIGGER rounds_private AFTER INSERT ON eclm.rounds
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.policy_revision IS NOT NULL)
    EXECUTE FUNCTION eclm.check_private_round();

-- As it was, but for how a private round is told from others.
CREATE OR REPLACE VIEW eclm.privacy_problems AS
SELECT mo.name AS model, coalesce(l.device_id, t.device_id) AS device_id,
    format('charged for %s rounds, counted in %s', coalesce(l.rounds, 0), coalesce(t.rounds, 0)) AS problem
FROM eclm.privacy_ledger l
FULL JOIN (SELECT y.model_id, u.device_id, count(*) AS rounds, sum(1 / (2 * y.noise_multiplier * y.noise_multiplier)) AS rho
    FROM eclm.round_privacy y
    JOIN eclm.round_updates ru USING (round_id)
    JOIN eclm.updates u USING (update_id)
    GROUP BY y.model_id, u.device_id) t ON t.model_id = l.model_id AND t.device_id = l.device_id
JOIN eclm.models mo ON mo.model_id = coalesce(l.model_id, t.model_id)
WHERE l.rounds IS DISTINCT FROM t.rounds OR abs(l.rho / t.rho - 1) > 1e-9
UNION ALL
SELECT mo.name, NULL, format('round %s says that %s devices spent %s at most; the ledger has %s and %s', y.number, y.devices,
    y.rho, l.devices, l.rho)
FROM (SELECT DISTINCT ON (model_id) * FROM eclm.round_privacy ORDER BY model_id, number DESC) y
JOIN eclm.models mo USING (model_id)
CROSS JOIN LATERAL (SELECT count(*) AS devices, max(p.rho) AS rho FROM eclm.privacy_ledger p
    WHERE p.model_id = y.model_id) l
WHERE (y.devices, y.rho) IS DISTINCT FROM (l.devices, l.rho)
UNION ALL
SELECT mo.name, NULL, format('round %s is private and was not charged', r.number)
FROM eclm.rounds r JOIN eclm.models mo USING (model_id)
WHERE eclm.is_private_round(r.model_id, r.policy_revision) AND NOT EXISTS (SELECT FROM eclm.round_privacy y WHERE y.round_id = r.round_id);

"""#),
        ("immutability", #"""
-- What earlier migrations wrote out for each group of tables, once, for the files to come:
--     CALL eclm.make_immutable('eclm.rounds', 'eclm.round_updates');

-- Rows of the tables stay as they were inserted: changing, deleting and truncating are refused with EC001.
CREATE PROCEDURE eclm.make_immutable(VARIADIC tables regclass[])
    LANGUAGE plpgsql AS $$
DECLARE
    immutable regclass;
    table_name name;
BEGIN
    FOREACH immutable IN ARRAY tables LOOP
        SELECT relname INTO STRICT table_name FROM pg_class WHERE oid = immutable;
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change()',
            table_name || '_immutable', immutable);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change()',
            table_name || '_keep', immutable);
    END LOOP;
END $$;
REVOKE ALL ON PROCEDURE eclm.make_immutable FROM PUBLIC;

"""#),
        ("update_bases", #"""
-- What a difference was made from, the fewest updates and devices that a round takes, and what keeps rounds from being made.

-- The digest of the version that a module was trained from, as the device had it. NULL where an older program took the
-- update, or the device sent the weights themselves and did not say.
ALTER TABLE eclm.update_modules ADD COLUMN base_digest bytea;
-- Not validated: the rows that are there have none, and a scan would hold up submissions.
ALTER TABLE eclm.update_modules ADD CONSTRAINT update_modules_base_digest CHECK (octet_length(base_digest) = 32) NOT VALID;

-- As it was, and refuses a base whose weights are not those of the stored version.
CREATE OR REPLACE FUNCTION eclm.check_update_encodings() RETURNS trigger
    LANGUAGE plpgsql SET search_path = eclm, pg_temp AS $$
DECLARE
    wrong record;
BEGIN
    SELECT n.encoding, n.module_id, v.version, e.name IS NULL AS is_unknown INTO wrong
        FROM new_rows n
        LEFT JOIN update_encodings e ON e.name = n.encoding
        LEFT JOIN module_versions v ON v.module_version_id = n.base_version_id
        WHERE e.name IS NULL OR n.base_digest <> v.digest LIMIT 1;
    IF FOUND AND wrong.is_unknown THEN
        RAISE EXCEPTION 'there is no encoding % of updates', wrong.encoding USING ERRCODE = 'check_violation',
            HINT = 'eclm.update_encodings has those there are; a newer program''s come with its registryctl migrate';
    ELSIF FOUND THEN
        RAISE EXCEPTION 'version % of module % has other weights than those that the update was made from',
            wrong.version, wrong.module_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

-- Fewer updates, or updates of fewer devices, make no round, however long they wait. NULL: what the rule asks for.
ALTER TABLE eclm.policies
    ADD COLUMN required_updates integer CHECK (required_updates BETWEEN 1 AND maximum_updates),
    ADD COLUMN required_devices integer CHECK (required_devices BETWEEN 1 AND maximum_updates);
GRANT INSERT (required_updates, required_devices) ON eclm.policies TO eclm_operator;

-- Why the updates of a model wait although a round was tried: trouble of the registry's own, such as bytes that are lost or a
-- full disk. The next round that is made removes it.
CREATE TABLE eclm.round_obstacles (
    model_id bigint PRIMARY KEY REFERENCES eclm.models,
    code     text NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
    -- What is wrong, and what to do about it.
    problem  text NOT NULL CHECK (length(problem) BETWEEN 1 AND 4000),
    -- The trainer that met it last, and how often it was met in a row.
    trainer  text NOT NULL CHECK (length(trainer) BETWEEN 1 AND 128),
    attempts integer NOT NULL DEFAULT 1 CHECK (attempts >= 1),
    since    timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
GRANT SELECT ON eclm.round_obstacles TO eclm_reader;
GRANT INSERT (model_id, code, problem, trainer), DELETE, UPDATE (code, problem, trainer, attempts, seen_at)
    ON eclm.round_obstacles TO eclm_trainer;

"""#),
        ("audit_seals", #"""
-- Audited commits run side by side. Before, each held the chain's only end from its append until the commit was on disk, so
-- that they followed one another over the whole database; and every append looked past all earlier versions of that end,
-- which an open transaction keeps. Now a commit that finds the chain's end taken leaves its changes in audit_waiting, and
-- the next one that finds it free, or a server, puts them into the chain. Rows and hashes are those of 0006.

-- Who may append: the lock of its only row, which nobody waits for but seal_audit. The row never changes, so that nothing
-- piles up behind an open transaction.
CREATE TABLE eclm.audit_lock (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row)
);
INSERT INTO eclm.audit_lock DEFAULT VALUES;

-- The chain's ends, one for each time that somebody appended; the newest is that of now. Rows are only added, so that the
-- newest is found by index past nothing.
CREATE TABLE eclm.audit_seals (
    -- The last row of eclm.audit at that time, 0 for none, and its hash.
    sequence  bigint PRIMARY KEY,
    hash      eclm.sha256 NOT NULL,
    -- What the changes of every transaction that it shows as ended are in the chain by then.
    seen      pg_snapshot NOT NULL,
    sealed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO eclm.audit_seals (sequence, hash, seen) SELECT sequence, hash, pg_current_snapshot() FROM eclm.audit_head;

-- Committed changes that are not in the chain yet, in the order in which rows of the chain will have them: of two changes of
-- one object, the earlier one was put here, and committed, before the later one could be made.
CREATE TABLE eclm.audit_waiting (
    audit_waiting_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction      xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at               timestamptz NOT NULL,
    actor            text NOT NULL,
    action           text NOT NULL,
    object_kind      text NOT NULL,
    object           text NOT NULL,
    detail           jsonb NOT NULL
);
CREATE INDEX audit_waiting_by_transaction ON eclm.audit_waiting (transaction);

-- What leaves audit_waiting stands at the chain's end.
CREATE FUNCTION eclm.check_sealed() RETURNS trigger
    LANGUAGE plpgsql SET search_path = eclm, pg_temp AS $$
DECLARE
    gone bigint := (SELECT count(*) FROM old_rows);
BEGIN
    IF gone > (
        SELECT count(*) FROM old_rows o WHERE EXISTS (
            SELECT FROM (SELECT * FROM audit ORDER BY sequence DESC LIMIT gone) a
            WHERE (a.at, a.actor, a.action, a.object_kind, a.object, a.detail)
                = (o.at, o.actor, o.action, o.object_kind, o.object, o.detail))) THEN
        RAISE EXCEPTION 'changes that wait for the audit''s chain are immutable: DELETE refused' USING ERRCODE = 'EC001',
            HINT = 'SELECT eclm.seal_audit() puts them into the chain.';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER audit_waiting_sealed AFTER DELETE ON eclm.audit_waiting REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.check_sealed();

CREATE FUNCTION eclm.check_newest_seal() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.sequence = (SELECT max(s.sequence) FROM eclm.audit_seals s) THEN
        RAISE EXCEPTION 'the newest seal says where the audit''s chain ends: DELETE refused' USING ERRCODE = 'EC001';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER audit_seals_newest BEFORE DELETE ON eclm.audit_seals
    FOR EACH ROW EXECUTE FUNCTION eclm.check_newest_seal();

CALL eclm.make_immutable('eclm.audit_lock');
CREATE TRIGGER audit_seals_immutable BEFORE UPDATE ON eclm.audit_seals
    FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change();
CREATE TRIGGER audit_seals_keep BEFORE TRUNCATE ON eclm.audit_seals
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change();
CREATE TRIGGER audit_waiting_immutable BEFORE UPDATE ON eclm.audit_waiting
    FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change();
CREATE TRIGGER audit_waiting_keep BEFORE TRUNCATE ON eclm.audit_waiting
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change();

-- Appends a change to the chain whose end is `tip`, which then is the new one.
CREATE FUNCTION eclm.append_to_chain(
    INOUT tip eclm.audit_seals, at timestamptz, actor text, action text, object_kind text, object text, detail jsonb
) LANGUAGE plpgsql AS $$
DECLARE
    previous bytea := tip.hash;
BEGIN
    tip.sequence := tip.sequence + 1;
    tip.hash := eclm.audit_hash(previous, tip.sequence, at, actor, action, object_kind, object, detail);
    INSERT INTO eclm.audit (sequence, at, actor, action, object_kind, object, detail, previous_hash, hash)
        VALUES (tip.sequence, at, actor, action, object_kind, object, detail, previous, tip.hash);
END $$;
REVOKE ALL ON FUNCTION eclm.append_to_chain FROM PUBLIC;

-- Appends what waits, for a caller that holds audit_lock in a transaction at READ COMMITTED and then writes `tip` down.
-- Of more than `most` changes it appends the first where `partly`, else none: `tip` is NULL then.
--
-- What a transaction left here before the last seal's snapshot is in the chain by now, whatever rows it left behind: only
-- transactions are looked at that had not ended by then, so that the cost is that of what waits. `everything` looks at all.
CREATE FUNCTION eclm.seal_waiting(most integer, partly boolean, everything boolean, OUT tip eclm.audit_seals, OUT sealed integer)
    LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    last eclm.audit_seals;
    now_seen pg_snapshot;
    ids bigint[];
    change eclm.audit_waiting;
BEGIN
    SELECT * INTO STRICT last FROM eclm.audit_seals s ORDER BY s.sequence DESC LIMIT 1;
    -- Before the look at what waits: what commits in between is seen now and looked for again.
    SELECT pg_current_snapshot() INTO now_seen;
    -- A restored database counts its transactions anew.
    IF everything OR pg_snapshot_xmax(last.seen) > pg_snapshot_xmax(now_seen) THEN
        ids := ARRAY(SELECT w.audit_waiting_id FROM eclm.audit_waiting w ORDER BY w.audit_waiting_id LIMIT most + 1);
    ELSE
        ids := ARRAY(SELECT w.audit_waiting_id FROM (
                SELECT a.audit_waiting_id FROM eclm.audit_waiting a WHERE a.transaction >= pg_snapshot_xmax(last.seen)
                UNION ALL
                SELECT a.audit_waiting_id FROM pg_snapshot_xip(last.seen) running
                    JOIN eclm.audit_waiting a ON a.transaction = running
            ) w ORDER BY w.audit_waiting_id LIMIT most + 1);
    END IF;
    sealed := 0;
    IF cardinality(ids) > most AND NOT partly THEN
        RETURN;
    END IF;
    tip := last;
    tip.sealed_at := clock_timestamp();
    IF cardinality(ids) > most THEN
        ids := ids[:most];
    ELSE
        tip.seen := now_seen;
    END IF;
    IF cardinality(ids) = 0 THEN
        RETURN;
    END IF;
    FOR change IN SELECT * FROM eclm.audit_waiting w WHERE w.audit_waiting_id = ANY (ids) ORDER BY w.audit_waiting_id LOOP
        tip := eclm.append_to_chain(tip, change.at, change.actor, change.action, change.object_kind, change.object,
            change.detail);
    END LOOP;
    sealed := cardinality(ids);
    DELETE FROM eclm.audit_waiting w WHERE w.audit_waiting_id = ANY (ids);
END $$;
REVOKE ALL ON FUNCTION eclm.seal_waiting FROM PUBLIC;

-- Puts what waits into the chain, at most 10,000 changes; call it until it gives 0. Servers do so again and again, and
-- whoever is about to read the audit. `everything` also looks for what earlier seals should have taken along, and forgets
-- seals that are older than a day.
CREATE FUNCTION eclm.seal_audit(everything boolean DEFAULT false) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = eclm, pg_temp AS $$
DECLARE
    seal record;
BEGIN
    -- A standby cannot, and an old snapshot does not show the chain's end.
    IF current_setting('transaction_read_only')::boolean OR current_setting('transaction_isolation') <> 'read committed' THEN
        RETURN 0;
    END IF;
    PERFORM FROM audit_lock FOR UPDATE;
    SELECT * INTO seal FROM seal_waiting(10000, true, everything);
    IF seal.sealed > 0 THEN
        INSERT INTO audit_seals SELECT (seal.tip).*;
    END IF;
    IF everything THEN
        DELETE FROM audit_seals s WHERE s.sealed_at < clock_timestamp() - interval '1 day'
            AND s.sequence < (SELECT max(n.sequence) FROM audit_seals n);
    END IF;
    RETURN seal.sealed;
END $$;

-- Appends all that is pending, in the order in which it was put down, behind what waits; or leaves it waiting where somebody
-- else has the chain's end, or more waits than a commit should care for. Who and why are those of the transaction's end.
CREATE OR REPLACE FUNCTION eclm.append_pending() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = eclm, pg_temp
    -- Plans that were made while the tables were empty must stay good.
    SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    tip eclm.audit_seals;
    now timestamptz;
    who text := eclm.actor();
    why jsonb := jsonb_strip_nulls(jsonb_build_object('reason', nullif(eclm.reason(), '')));
    change record;
BEGIN
    -- The first of a transaction's rows takes the others along: they find themselves gone.
    IF NOT EXISTS (SELECT FROM audit_pending WHERE audit_pending_id = NEW.audit_pending_id) THEN
        RETURN NULL;
    END IF;
    IF current_setting('transaction_isolation') = 'read committed' THEN
        PERFORM FROM audit_lock WHERE only_row FOR UPDATE SKIP LOCKED;
        IF FOUND THEN
            tip := (SELECT s.tip FROM seal_waiting(256, false, false) s);
        END IF;
    END IF;
    now := clock_timestamp();
    IF tip.sequence IS NULL THEN
        INSERT INTO audit_waiting (at, actor, action, object_kind, object, detail)
            SELECT now, who, p.action, p.object_kind, c.object, c.detail || why
            FROM audit_pending p
            CROSS JOIN LATERAL unnest(p.objects, p.details) WITH ORDINALITY c (object, detail, place)
            WHERE p.audit_pending_id >= NEW.audit_pending_id
            ORDER BY p.audit_pending_id, c.place;
    ELSE
        FOR change IN
            SELECT p.action, p.object_kind, c.object, c.detail || why AS detail
            FROM audit_pending p
            CROSS JOIN LATERAL unnest(p.objects, p.details) WITH ORDINALITY c (object, detail, place)
            WHERE p.audit_pending_id >= NEW.audit_pending_id
            ORDER BY p.audit_pending_id, c.place
        LOOP
            tip := append_to_chain(tip, now, who, change.action, change.object_kind, change.object, change.detail);
        END LOOP;
        INSERT INTO audit_seals SELECT (tip).*;
    END IF;
    DELETE FROM audit_pending WHERE audit_pending_id >= NEW.audit_pending_id;
    RETURN NULL;
END $$;

-- As in 0014, without a function's call for the row.
CREATE OR REPLACE FUNCTION eclm.audit_row() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = eclm, pg_temp AS $$
DECLARE
    entry jsonb := to_jsonb(NEW) - '{token_digest,created_in}'::text[];
    detail jsonb := entry;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        detail := eclm.audit_change(to_jsonb(OLD), to_jsonb(NEW));
        IF detail IS NULL THEN
            RETURN NULL;
        END IF;
    END IF;
    INSERT INTO audit_pending (action, object_kind, objects, details)
        VALUES (TG_ARGV[0] || '.' || lower(TG_OP), TG_ARGV[0], ARRAY[entry ->> TG_ARGV[1]], ARRAY[detail]);
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION eclm.audit_breaks() RETURNS TABLE (sequence bigint, problem text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT a.sequence,
        CASE
            WHEN a.sequence <> a.position THEN 'a row before this one is missing'
            WHEN a.previous_hash <> a.expected_previous THEN 'previous_hash is not the hash of the row before'
            ELSE 'the row does not match its hash'
        END
    FROM (
        SELECT *, row_number() OVER chain AS position,
            coalesce(lag(hash) OVER chain, sha256('eclm audit')) AS expected_previous
        FROM eclm.audit WINDOW chain AS (ORDER BY sequence)
    ) a
    WHERE a.sequence <> a.position OR a.previous_hash <> a.expected_previous
        OR a.hash <> eclm.audit_hash(a.previous_hash, a.sequence, a.at, a.actor, a.action, a.object_kind, a.object, a.detail)
    UNION ALL
    SELECT coalesce(s.sequence, 0), 'the chain does not end where its newest seal says'
    FROM (VALUES (true)) one
    LEFT JOIN eclm.audit_seals s ON s.sequence = (SELECT max(n.sequence) FROM eclm.audit_seals n)
    LEFT JOIN eclm.audit last ON last.sequence = (SELECT max(a.sequence) FROM eclm.audit a)
    WHERE s.sequence IS DISTINCT FROM coalesce(last.sequence, 0)
        OR s.hash IS DISTINCT FROM coalesce(last.hash, sha256('eclm audit'))
    UNION ALL
    SELECT s.sequence, 'a seal names another row here'
    FROM eclm.audit_seals s JOIN eclm.audit a USING (sequence)
    WHERE s.hash <> a.hash AND s.sequence < (SELECT max(n.sequence) FROM eclm.audit_seals n)
    ORDER BY 1;
END;

DROP TABLE eclm.audit_head;
GRANT SELECT ON eclm.audit_seals, eclm.audit_waiting TO eclm_reader;
GRANT EXECUTE ON FUNCTION eclm.seal_audit TO eclm_reader;

"""#),
        ("incarnations", #"""
-- Numbers after a restore. A database that was restored from a backup has forgotten what came after it, and devices, regions
-- and people have not: they hold numbers of releases, versions and updates that it would give out again, to other content.
-- So the numbers go on far behind all that can have been given out: each such beginning is an incarnation.

-- A life of the database between two losses of memory. The first row is written by the first change, the others where the
-- database finds itself elsewhere than it was, or somebody says that it was restored.
CREATE TABLE eclm.incarnations (
    incarnation       integer PRIMARY KEY CHECK (incarnation >= 1),
    -- Where it began: the server, the database in it, and the timeline of the server's log, which changes when a standby
    -- takes over or a backup is recovered from.
    system_identifier bigint NOT NULL,
    database_oid      bigint NOT NULL,
    timeline          text NOT NULL CHECK (length(timeline) BETWEEN 1 AND 64),
    reason            text NOT NULL CHECK (length(reason) BETWEEN 1 AND 4096),
    begun_at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    begun_by          text NOT NULL DEFAULT eclm.actor()
);

-- The numbers of a model that an incarnation leaves out.
CREATE TABLE eclm.number_jumps (
    model_id      bigint NOT NULL REFERENCES eclm.models,
    incarnation   integer NOT NULL REFERENCES eclm.incarnations,
    -- The newest release before, 0 for none.
    last_release  integer NOT NULL CHECK (last_release >= 0),
    -- The least number of a release, and of a version of any module, afterwards.
    first_number  integer NOT NULL CHECK (first_number > last_release + 1),
    PRIMARY KEY (model_id, incarnation)
);
CALL eclm.make_immutable('eclm.incarnations', 'eclm.number_jumps');
CREATE TRIGGER incarnations_audit AFTER INSERT ON eclm.incarnations FOR EACH ROW
    WHEN (NEW.incarnation > 1) EXECUTE FUNCTION eclm.audit_row('incarnation', 'incarnation');

-- Where the database is now. What the server does not tell is empty, and then no change of it is seen.
CREATE FUNCTION eclm.database_place(OUT system_identifier bigint, OUT database_oid bigint, OUT timeline text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT d.oid INTO database_oid FROM pg_database d WHERE d.datname = current_database();
    BEGIN
        SELECT s.system_identifier INTO system_identifier FROM pg_control_system() s;
        timeline := left(pg_walfile_name(pg_current_wal_lsn()), 8);
    EXCEPTION WHEN insufficient_privilege OR undefined_function OR feature_not_supported THEN
        NULL;
    END;
    system_identifier := coalesce(system_identifier, 0);
    timeline := coalesce(timeline, 'unknown');
END $$;

-- Begins an incarnation: every model's numbers, and all other numbers that were ever shown, go on far behind their newest.
-- The transaction must hold the lock of incarnations.
CREATE FUNCTION eclm.write_incarnation(next integer, why text) RETURNS void
    LANGUAGE plpgsql SET search_path = eclm, pg_temp AS $$
DECLARE
    s record;
BEGIN
    INSERT INTO incarnations (incarnation, system_identifier, database_oid, timeline, reason)
        SELECT next, p.system_identifier, p.database_oid, p.timeline, why FROM database_place() p;
    IF next = 1 THEN
        RETURN;
    END IF;
    -- At least 50,000 numbers are left out, and the next is one behind a multiple of 100,000.
    INSERT INTO number_jumps (model_id, incarnation, last_release, first_number)
        SELECT m.model_id, next, n.release, (n.newest + 50000 + 99999) / 100000 * 100000 + 1
        FROM models m
        CROSS JOIN LATERAL (SELECT
            coalesce((SELECT max(r.number) FROM releases r WHERE r.model_id = m.model_id), 0) AS release,
            coalesce((SELECT max(v.version) FROM module_versions v WHERE v.model_id = m.model_id), 0) AS version,
            coalesce((SELECT max(j.first_number) FROM number_jumps j WHERE j.model_id = m.model_id), 0) AS jump) l
        CROSS JOIN LATERAL (SELECT l.release, greatest(l.release, l.version, l.jump)::bigint AS newest) n;
    -- At least 500 million: updates are many. setval is not taken back with the transaction, which does no harm.
    FOR s IN SELECT q.sequencename AS name, q.last_value FROM pg_catalog.pg_sequences q
        WHERE q.schemaname = 'eclm' LOOP
        -- What the backup had given out no number of may have been given out since.
        PERFORM setval(format('eclm.%I', s.name)::regclass,
            (coalesce(s.last_value, 0) + 500000000 + 999999999) / 1000000000 * 1000000000);
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION eclm.write_incarnation(integer, text) FROM PUBLIC;

-- For an operator who knows that the database was restored where it cannot see it itself, such as from a snapshot of its
-- disk. Returns the incarnation.
CREATE FUNCTION eclm.begin_incarnation(why text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = eclm, pg_temp AS $$
DECLARE
    newest integer;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('eclm.incarnations', 0));
    SELECT max(i.incarnation) INTO newest FROM incarnations i;
    IF newest IS NULL THEN
        PERFORM write_incarnation(1, 'the first');
        newest := 1;
    END IF;
    PERFORM write_incarnation(newest + 1, why);
    RETURN newest + 1;
END $$;
REVOKE ALL ON FUNCTION eclm.begin_incarnation(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION eclm.begin_incarnation(text) TO eclm_operator;

-- Before a number is given out: a session that comes to the database for the first time, or finds a newer incarnation than
-- it knew, looks whether the database is where it was. What it knows is in the setting eclm.incarnation.
CREATE FUNCTION eclm.check_incarnation() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = eclm, pg_temp AS $$
DECLARE
    newest incarnations;
    place record;
BEGIN
    SELECT * INTO newest FROM incarnations ORDER BY incarnation DESC LIMIT 1;
    IF newest.incarnation::text = current_setting('eclm.incarnation', true) THEN
        RETURN NULL;
    END IF;
    SELECT * INTO place FROM database_place();
    IF newest.incarnation IS NULL OR (newest.system_identifier, newest.database_oid, newest.timeline)
        IS DISTINCT FROM (place.system_identifier, place.database_oid, place.timeline) THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('eclm.incarnations', 0));
        SELECT * INTO newest FROM incarnations ORDER BY incarnation DESC LIMIT 1;
        IF newest.incarnation IS NULL THEN
            PERFORM write_incarnation(1, 'the first');
            newest.incarnation := 1;
        ELSIF (newest.system_identifier, newest.database_oid, newest.timeline)
            IS DISTINCT FROM (place.system_identifier, place.database_oid, place.timeline) THEN
            PERFORM write_incarnation(newest.incarnation + 1, CASE
                WHEN newest.system_identifier <> place.system_identifier THEN 'the database is on another server'
                WHEN newest.database_oid <> place.database_oid THEN 'it is another database'
                ELSE format('the server''s timeline went from %s to %s', newest.timeline, place.timeline) END);
            newest.incarnation := newest.incarnation + 1;
        END IF;
    END IF;
    PERFORM set_config('eclm.incarnation', newest.incarnation::text, false);
    RETURN NULL;
END $$;
CREATE TRIGGER updates_incarnation BEFORE INSERT ON eclm.updates
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.check_incarnation();
CREATE TRIGGER module_versions_incarnation BEFORE INSERT ON eclm.module_versions
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.check_incarnation();
CREATE TRIGGER releases_incarnation BEFORE INSERT ON eclm.releases
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.check_incarnation();
CREATE TRIGGER canaries_incarnation BEFORE INSERT ON eclm.canaries
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.check_incarnation();
CREATE TRIGGER round_requests_incarnation BEFORE INSERT ON eclm.round_requests
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.check_incarnation();

-- The numbers themselves, whatever program gives them out: none of those that were left out.
CREATE FUNCTION eclm.skip_numbers() RETURNS trigger
    LANGUAGE plpgsql SET search_path = eclm, pg_temp AS $$
DECLARE
    first integer;
BEGIN
    SELECT j.first_number INTO first FROM number_jumps j
        WHERE j.model_id = NEW.model_id ORDER BY j.incarnation DESC LIMIT 1;
    IF FOUND AND TG_TABLE_NAME = 'releases' THEN
        NEW.number := greatest(NEW.number, first);
    ELSIF FOUND THEN
        NEW.version := greatest(NEW.version, first);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER releases_numbers BEFORE INSERT ON eclm.releases FOR EACH ROW
    WHEN (current_setting('eclm.incarnation', true) IS DISTINCT FROM '1') EXECUTE FUNCTION eclm.skip_numbers();
CREATE TRIGGER module_versions_numbers BEFORE INSERT ON eclm.module_versions FOR EACH ROW
    WHEN (current_setting('eclm.incarnation', true) IS DISTINCT FROM '1') EXECUTE FUNCTION eclm.skip_numbers();

-- A parent that was restored may have forgotten what it took: then it is handed over again, and is another update of it.
CREATE OR REPLACE FUNCTION eclm.check_hand_over_change() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.parent_update_id IS NOT NULL AND NEW.parent_update_id IS DISTINCT FROM OLD.parent_update_id
        AND NEW.state <> (CASE WHEN NEW.parent_update_id IS NULL THEN 'refused' ELSE 'taken' END) THEN
        RAISE EXCEPTION 'the parent took the hand-over of round % as its update %', OLD.round_id, OLD.parent_update_id
            USING ERRCODE = 'EC001';
    END IF;
    IF NEW.state <> OLD.state AND (OLD.state IN ('empty', 'aggregated', 'refused') OR NEW.state IN ('empty', 'waiting'))
    THEN
        RAISE EXCEPTION 'the hand-over of round % is % and cannot become %', OLD.round_id, OLD.state, NEW.state
            USING ERRCODE = 'EC001';
    END IF;
    NEW.changed_at := clock_timestamp();
    RETURN NEW;
END $$;

GRANT SELECT ON eclm.incarnations, eclm.number_jumps TO eclm_reader;

"""#),
        ("notify_afterwards", #"""
-- Commits that notify run side by side, too. PostgreSQL lets only one transaction at a time commit notifications, and until
-- its commit is on disk: submissions and publications of all models queued for each other's. A program that notifies by
-- itself once it has committed, as registryd does, says so with SET LOCAL eclm.notify = 'afterwards'. For everybody else
-- the triggers notify as before.
CREATE FUNCTION eclm.notify(channel text, payload text) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('eclm.notify', true) IS DISTINCT FROM 'afterwards' THEN
        PERFORM pg_notify(channel, payload);
    END IF;
END $$;

CREATE OR REPLACE FUNCTION eclm.notify_updates() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM eclm.notify('eclm_updates', NEW.model_id::text);
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION eclm.notify_catalogue() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM eclm.notify('eclm_catalogue', TG_TABLE_NAME);
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION eclm.write_channel_move() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = eclm, pg_temp AS $$
BEGIN
    INSERT INTO eclm.channel_moves (channel_id, revision, from_release_id, to_release_id, action, reason, moved_by)
        VALUES (NEW.channel_id, NEW.revision, CASE WHEN TG_OP = 'UPDATE' THEN OLD.release_id END, NEW.release_id,
                NEW.action, eclm.reason(), eclm.actor());
    PERFORM eclm.notify('eclm_channels', json_build_object(
        'model_id', NEW.model_id, 'channel', NEW.name, 'release_id', NEW.release_id)::text);
    RETURN NULL;
END $$;

"""#),
        ("blob_batches", #"""
-- Small blobs come in many at once: checks of them look at a statement's rows together, and one call stores them all.

DROP TRIGGER blob_chunks_sealed ON eclm.blob_chunks;
CREATE TRIGGER blob_chunks_sealed BEFORE UPDATE OR DELETE ON eclm.blob_chunks
    FOR EACH ROW EXECUTE FUNCTION eclm.check_blob_chunk();

CREATE FUNCTION eclm.check_new_chunks() RETURNS trigger
    LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (SELECT FROM new_rows n JOIN eclm.blobs b ON b.storage_id = n.storage_id) THEN
        RAISE EXCEPTION 'the chunks of a sealed blob are immutable: INSERT refused' USING ERRCODE = 'EC001';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER blob_chunks_open AFTER INSERT ON eclm.blob_chunks REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.check_new_chunks();

DROP TRIGGER blobs_whole ON eclm.blobs;
CREATE OR REPLACE FUNCTION eclm.check_blob() RETURNS trigger
    LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    broken record;
BEGIN
    SELECT n.digest, n.size, c.total, c.chunks INTO broken
        FROM new_rows n
        CROSS JOIN LATERAL (SELECT coalesce(sum(octet_length(data)), 0) AS total, count(*) AS chunks,
            coalesce(max(number), -1) AS highest FROM eclm.blob_chunks WHERE storage_id = n.storage_id) c
        WHERE n.store = 'postgresql' AND (c.total <> n.size OR c.chunks <> c.highest + 1) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'blob sha256:% has % of % bytes in % chunks: it cannot be sealed',
            encode(broken.digest, 'hex'), broken.total, broken.size, broken.chunks USING ERRCODE = 'EC002';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER blobs_whole AFTER INSERT ON eclm.blobs REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.check_blob();

-- Stores those of the blobs that are not there, within the caller's transaction. The digests are the caller's to check, and
-- in ascending order, so that no two such transactions wait for each other.
-- Returns the bytes that were stored now.
CREATE FUNCTION eclm.put_blobs(digests bytea[], contents bytea[]) RETURNS bigint
    LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    chunk_size constant integer := 1048576;
    new_digests bytea[];
    new_contents bytea[];
    storage_ids bigint[];
    stored integer;
    bytes bigint;
BEGIN
    SELECT array_agg(p.digest ORDER BY p.digest), array_agg(p.content ORDER BY p.digest),
            array_agg(nextval('eclm.blob_storage_ids') ORDER BY p.digest)
        INTO new_digests, new_contents, storage_ids
        FROM unnest(digests, contents) p (digest, content)
        WHERE NOT EXISTS (SELECT FROM eclm.blobs b WHERE b.digest = p.digest);
    IF new_digests IS NULL THEN
        RETURN 0;
    END IF;
    INSERT INTO eclm.blob_chunks (storage_id, number, data)
        SELECT p.storage_id, n, CASE WHEN octet_length(p.content) <= chunk_size THEN p.content
            ELSE substring(p.content FROM n * chunk_size + 1 FOR chunk_size) END
        FROM unnest(storage_ids, new_contents) p (storage_id, content)
        CROSS JOIN LATERAL generate_series(0, (octet_length(p.content) + chunk_size - 1) / chunk_size - 1) n;
    WITH sealed AS (
        INSERT INTO eclm.blobs (digest, size, storage_id)
            SELECT p.digest, octet_length(p.content), p.storage_id
            FROM unnest(new_digests, new_contents, storage_ids) p (digest, content, storage_id)
            ON CONFLICT DO NOTHING
            RETURNING size
    )
    SELECT count(*), coalesce(sum(size), 0) INTO stored, bytes FROM sealed;
    IF stored < cardinality(storage_ids) THEN
        -- Somebody else was first with some of them.
        DELETE FROM eclm.blob_chunks c WHERE c.storage_id = ANY (storage_ids)
            AND NOT EXISTS (SELECT FROM eclm.blobs b WHERE b.storage_id = c.storage_id);
    END IF;
    RETURN bytes;
END $$;

-- What an update names is looked up for all its rows at once, and without a lock: releases, module versions and updates stay
-- as they are for ever, by trigger. Foreign keys looked row by row, and since all submissions lock the same few rows, each
-- wrote to these rows too. That of a blob stays: blobs are collected.
ALTER TABLE eclm.update_modules
    DROP CONSTRAINT update_modules_model_id_update_id_fkey,
    DROP CONSTRAINT update_modules_model_id_module_id_fkey,
    DROP CONSTRAINT update_modules_module_id_base_version_id_fkey;
ALTER TABLE eclm.updates
    DROP CONSTRAINT updates_model_id_fkey,
    DROP CONSTRAINT updates_model_id_base_release_id_fkey;

CREATE FUNCTION eclm.check_update_bases() RETURNS trigger
    LANGUAGE plpgsql SET search_path = eclm, pg_temp SET enable_seqscan = off AS $$
DECLARE
    wrong record;
BEGIN
    SELECT n.model_id, n.base_release_id INTO wrong FROM new_rows n
        WHERE NOT EXISTS (SELECT FROM releases r WHERE r.model_id = n.model_id AND r.release_id = n.base_release_id)
        LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'model % has no release %', wrong.model_id, wrong.base_release_id
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER updates_bases AFTER INSERT ON eclm.updates
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION eclm.check_update_bases();

-- As it was, and refuses an update or a base version that is not there, or not of the module or model.
CREATE OR REPLACE FUNCTION eclm.check_update_encodings() RETURNS trigger
    LANGUAGE plpgsql SET search_path = eclm, pg_temp SET enable_seqscan = off AS $$
DECLARE
    wrong record;
BEGIN
    SELECT n.update_id, n.module_id, n.base_version_id, n.encoding, v.version, e.name IS NULL AS is_unknown,
            u.update_id IS NULL OR v.version IS NULL AS is_absent INTO wrong
        FROM new_rows n
        LEFT JOIN update_encodings e ON e.name = n.encoding
        LEFT JOIN updates u ON u.update_id = n.update_id AND u.model_id = n.model_id
        LEFT JOIN module_versions v ON v.module_version_id = n.base_version_id AND v.module_id = n.module_id
            AND v.model_id = n.model_id
        WHERE e.name IS NULL OR u.update_id IS NULL OR v.version IS NULL OR n.base_digest <> v.digest LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    ELSIF wrong.is_absent THEN
        RAISE EXCEPTION 'update %, or base version % of module %, is not there or not of this model',
            wrong.update_id, wrong.base_version_id, wrong.module_id USING ERRCODE = 'foreign_key_violation';
    ELSIF wrong.is_unknown THEN
        RAISE EXCEPTION 'there is no encoding % of updates', wrong.encoding USING ERRCODE = 'check_violation',
            HINT = 'eclm.update_encodings has those there are; a newer program''s come with its registryctl migrate';
    END IF;
    RAISE EXCEPTION 'version % of module % has other weights than those that the update was made from',
        wrong.version, wrong.module_id USING ERRCODE = 'check_violation';
END $$;

"""#),
        ("names", #"""
-- What names may consist of, beyond the types of migration 0001; NameRule in ECLMCore says the same.

-- Who acts, as before, and now without control characters, and of at most 256 bytes: in this one place, before anything is
-- written, so that nothing that is committed can be refused later on its way into the audit.
CREATE OR REPLACE FUNCTION eclm.actor() RETURNS text
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    who text := coalesce(nullif(current_setting('eclm.actor', true), ''), session_user::text);
BEGIN
    IF who ~ '[\u0001-\u001f\u007f]' OR octet_length(who) > 256 THEN
        RAISE EXCEPTION 'the actor''s name holds control characters or has more than 256 bytes'
            USING ERRCODE = 'check_violation', HINT = 'Name another one with SET LOCAL eclm.actor.';
    END IF;
    RETURN who;
END $$;

-- Names of operators have no spaces, so that a list joined by spaces shows whether each is one. NOT VALID: classes from
-- before stay until they are defined anew. Requirements have no such check, since rounds and rollbacks make versions with
-- those that their parents had; a publication is checked before it comes here.
ALTER TABLE eclm.device_classes ADD CONSTRAINT device_classes_operators_names CHECK (
    array_to_string(operators, ' ') ~ '^([\u0021-\u002b\u002d-\u007e]{1,64}( [\u0021-\u002b\u002d-\u007e]{1,64})*)?$'
    AND cardinality(string_to_array(array_to_string(operators, ' '), ' ')) = cardinality(operators)
) NOT VALID;

"""#),
        ("audit_differences", #"""
-- Whether the tables still say what the audit's chain says of them. The chain proves itself; a row that somebody changed
-- without the triggers shows only where it is compared with what the chain tells of it.

-- What a decided update consists of: all that a device submitted, its modules too, in one digest for the chain.
CREATE FUNCTION eclm.update_digest(wanted bigint) RETURNS text
    LANGUAGE sql STABLE SET search_path = eclm, pg_temp SET extra_float_digits = 1
BEGIN ATOMIC
    SELECT encode(sha256(convert_to(jsonb_build_array(u.update_id, u.device_id, u.model_id, u.base_release_id,
            u.idempotency_key, encode(u.content_digest, 'hex'), u.sample_count, u.metrics,
            (extract(epoch FROM u.submitted_at) * 1000000)::bigint,
            (SELECT jsonb_agg(jsonb_build_array(m.module_id, m.base_version_id, encode(m.digest, 'hex'),
                encode(m.base_digest, 'hex'), m.encoding, m.importance, m.sample_count) ORDER BY m.module_id)
                FROM eclm.update_modules m WHERE m.update_id = u.update_id))::text, 'UTF8')), 'hex')
    FROM eclm.updates u WHERE u.update_id = wanted;
END;

-- As in 0014, with the update's digest.
CREATE FUNCTION eclm.audit_decided_updates() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = eclm, pg_temp SET enable_nestloop = off AS $$
BEGIN
    WITH changes AS MATERIALIZED (
        SELECT place, n.update_id AS object, eclm.audit_change(o.old_row, n.new_row) AS detail
        FROM (SELECT to_jsonb(old_rows) AS old_row, row_number() OVER () AS place FROM old_rows) o
        JOIN (SELECT to_jsonb(new_rows) AS new_row, update_id, row_number() OVER () AS place FROM new_rows) n USING (place)
    )
    INSERT INTO eclm.audit_pending (action, object_kind, objects, details)
    SELECT 'update.update', 'update', array_agg(object::text ORDER BY place),
        array_agg(detail || jsonb_build_object('submission', eclm.update_digest(object)) ORDER BY place)
    FROM changes
    WHERE detail IS NOT NULL
    GROUP BY (place - 1) / 1000
    ORDER BY (place - 1) / 1000;
    RETURN NULL;
END $$;
DROP TRIGGER updates_audit ON eclm.updates;
CREATE TRIGGER updates_audit AFTER UPDATE ON eclm.updates REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.audit_decided_updates();
DROP FUNCTION eclm.audit_changed_rows;

-- Measured costs are in the chain from their beginning, all of a statement in rows of up to 1,000: as
-- [module_version_id, device_class_id, memory, flops, latency_us].
CREATE FUNCTION eclm.audit_costs() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = eclm, pg_temp AS $$
BEGIN
    INSERT INTO eclm.audit_pending (action, object_kind, objects, details)
    SELECT 'cost.' || lower(TG_OP), 'cost', ARRAY[min(module_version_id)::text],
        ARRAY[jsonb_build_object('costs', jsonb_agg(jsonb_build_array(module_version_id, device_class_id, memory, flops,
            latency_us) ORDER BY module_version_id, device_class_id))]
    FROM (SELECT *, row_number() OVER (ORDER BY module_version_id, device_class_id) - 1 AS place FROM new_rows) n
    GROUP BY place / 1000
    ORDER BY place / 1000;
    RETURN NULL;
END $$;
DROP TRIGGER costs_audit ON eclm.costs;
CREATE TRIGGER costs_audit_insert AFTER INSERT ON eclm.costs REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.audit_costs();
CREATE TRIGGER costs_audit_update AFTER UPDATE ON eclm.costs REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.audit_costs();

-- Those that are there are put into the chain as they are now.
INSERT INTO eclm.audit_pending (action, object_kind, objects, details)
SELECT 'cost.baseline', 'cost', ARRAY[min(module_version_id)::text],
    ARRAY[jsonb_build_object('costs', jsonb_agg(jsonb_build_array(module_version_id, device_class_id, memory, flops,
        latency_us) ORDER BY module_version_id, device_class_id))]
FROM (SELECT *, row_number() OVER (ORDER BY module_version_id, device_class_id) - 1 AS place FROM eclm.costs) n
GROUP BY place / 1000
ORDER BY place / 1000;

-- Whether the audit means the same by two values: times are told in the zone of whoever made the change.
CREATE FUNCTION eclm.is_same_value(told jsonb, stored jsonb) RETURNS boolean
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    times constant text := '^\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d';
BEGIN
    IF told IS NOT DISTINCT FROM stored THEN
        RETURN true;
    END IF;
    RETURN coalesce(told #>> '{}' ~ times AND stored #>> '{}' ~ times
        AND (told #>> '{}')::timestamptz = (stored #>> '{}')::timestamptz, false);
END $$;

-- Rows that are not as the chain tells, of some kinds of objects or of all; `sequence` is the row of the chain, NULL where
-- the change waits for the chain or there is none.
CREATE FUNCTION eclm.audit_differences(kinds text[] DEFAULT NULL)
    RETURNS TABLE (object_kind text, object text, problem text, sequence bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = eclm, pg_temp SET bytea_output = hex AS $$
#variable_conflict use_column
DECLARE
    audited record;
BEGIN
    -- What has columns that change without a word in the audit names them, and what has rows that it does not tell of says so.
    FOR audited IN SELECT * FROM (VALUES
        ('model', 'models', 'model_id', '{}'::text[], true),
        ('release', 'releases', 'release_id', '{}', true),
        ('channel', 'channels', 'channel_id', '{}', true),
        ('withdrawal', 'withdrawals', 'withdrawal_id', '{}', true),
        ('device_class', 'device_classes', 'device_class_id', '{}', true),
        ('device', 'devices', 'device_id', '{}', true),
        ('round', 'rounds', 'round_id', '{}', true),
        ('policy', 'policies', 'policy_id', '{}', true),
        ('recomputation', 'recomputations', 'recomputation_id', '{}', true),
        ('canary', 'canaries', 'canary_id', '{blocks,candidate_count,candidate_mean,candidate_m2,control_count,control_mean,'
            'control_m2,promote_wealth,rollback_wealth}', true),
        ('round_request', 'round_requests', 'round_request_id', '{answered_at,answer,round_id}', true),
        ('round_privacy', 'round_privacy', 'round_id', '{}', true),
        ('hand_over', 'hand_overs', 'round_id', '{attempts,changed_at}', true),
        ('incarnation', 'incarnations', 'incarnation', '{}', false),
        ('update', 'updates', 'update_id', '{}', false)
    ) k (kind, name, key, free, is_told_whole) WHERE kinds IS NULL OR k.kind = ANY (kinds) LOOP
        RETURN QUERY EXECUTE format($query$
            WITH told AS MATERIALIZED (
                SELECT a.sequence, 0 AS waiting, a.object, a.detail FROM audit a WHERE a.object_kind = %1$L
                UNION ALL
                SELECT NULL, w.audit_waiting_id, w.object, w.detail FROM audit_waiting w WHERE w.object_kind = %1$L
            ), last AS (
                SELECT DISTINCT ON (t.object, e.key) t.object, e.key, e.value, t.sequence
                FROM told t CROSS JOIN LATERAL jsonb_each(t.detail - '{before,reason,submission}'::text[] - %4$L::text[]) e
                ORDER BY t.object, e.key, t.sequence DESC NULLS FIRST, t.waiting DESC
            ), rows AS (
                SELECT r.%3$I::text AS object, to_jsonb(r) AS row FROM %2$I r
            )
            SELECT %1$L, l.object, format('%%s is %%s, and the audit tells %%s', l.key, coalesce(r.row ->> l.key, 'NULL'),
                coalesce(l.value #>> '{}', 'NULL')), l.sequence
            FROM last l JOIN rows r USING (object)
            WHERE r.row ? l.key AND NOT is_same_value(l.value, r.row -> l.key)
            UNION ALL
            SELECT %1$L, g.object, 'the row is gone', max(g.sequence)
            FROM told g WHERE NOT EXISTS (SELECT FROM rows r WHERE r.object = g.object) GROUP BY g.object
            UNION ALL
            SELECT %1$L, r.object, 'the audit tells of no such row', NULL
            FROM rows r WHERE %5$L AND NOT EXISTS (SELECT FROM told t WHERE t.object = r.object)
            $query$, audited.kind, audited.name, audited.key, audited.free,
            audited.is_told_whole);
    END LOOP;

    IF kinds IS NULL OR 'channel' = ANY (kinds) THEN
        RETURN QUERY
            SELECT 'channel'::text, c.channel_id::text,
                format('it points to release %s at revision %s, and its last move led to release %s at revision %s',
                    c.release_id, c.revision, coalesce(m.to_release_id::text, 'none'), coalesce(m.revision::text, 'none')),
                NULL::bigint
            FROM channels c
            LEFT JOIN LATERAL (SELECT * FROM channel_moves m WHERE m.channel_id = c.channel_id
                ORDER BY m.revision DESC LIMIT 1) m ON true
            WHERE (c.release_id, c.revision, c.action) IS DISTINCT FROM (m.to_release_id, m.revision, m.action)
            UNION ALL
            SELECT 'channel', m.channel_id::text,
                format('move %s came from release %s, and the one before led to release %s', m.revision,
                    coalesce(m.from_release_id::text, 'none'), coalesce(m.previous::text, 'none')), NULL
            FROM (SELECT *, lag(to_release_id) OVER (PARTITION BY channel_id ORDER BY revision) AS previous,
                    row_number() OVER (PARTITION BY channel_id ORDER BY revision) AS place FROM channel_moves) m
            WHERE m.from_release_id IS DISTINCT FROM m.previous OR m.place <> m.revision;
    END IF;

    IF kinds IS NULL OR 'update' = ANY (kinds) THEN
        RETURN QUERY
            SELECT 'update'::text, l.object, 'what the device submitted is not what was decided about'::text, l.sequence
            FROM (
                SELECT DISTINCT ON (t.object) t.object, t.sequence, t.submission
                FROM (SELECT a.object, a.sequence, 0 AS waiting, a.detail ->> 'submission' AS submission
                        FROM audit a WHERE a.object_kind = 'update'
                    UNION ALL SELECT w.object, NULL, w.audit_waiting_id, w.detail ->> 'submission'
                        FROM audit_waiting w WHERE w.object_kind = 'update') t
                WHERE t.submission IS NOT NULL
                ORDER BY t.object, t.sequence DESC NULLS FIRST, t.waiting DESC
            ) l
            WHERE eclm.update_digest(l.object::bigint) <> l.submission;
    END IF;

    IF kinds IS NULL OR 'cost' = ANY (kinds) THEN
        RETURN QUERY
            WITH last AS (
                SELECT DISTINCT ON (e.cost -> 0, e.cost -> 1) (e.cost ->> 0)::bigint AS version,
                    (e.cost ->> 1)::bigint AS class, e.cost, t.sequence
                FROM (SELECT a.sequence, 0 AS waiting, a.detail FROM audit a WHERE a.object_kind = 'cost'
                    UNION ALL SELECT NULL, w.audit_waiting_id, w.detail FROM audit_waiting w WHERE w.object_kind = 'cost') t
                CROSS JOIN LATERAL jsonb_array_elements(t.detail -> 'costs') e (cost)
                WHERE t.detail ? 'costs'
                ORDER BY e.cost -> 0, e.cost -> 1, t.sequence DESC NULLS FIRST, t.waiting DESC
            )
            SELECT 'cost'::text, coalesce(c.module_version_id, l.version)::text,
                CASE
                    WHEN l.version IS NULL THEN format('the audit tells of no costs on device class %s', c.device_class_id)
                    WHEN c.module_version_id IS NULL THEN format('the costs on device class %s are gone', l.class)
                    ELSE format('memory, flops and latency_us on device class %s are %s, %s, %s, and the audit tells %s, '
                        '%s, %s', l.class, c.memory, c.flops, coalesce(c.latency_us::text, 'NULL'), l.cost ->> 2, l.cost ->> 3,
                        coalesce(l.cost ->> 4, 'NULL'))
                END, l.sequence
            FROM costs c FULL JOIN last l ON (c.module_version_id, c.device_class_id) = (l.version, l.class)
            WHERE c.module_version_id IS NULL OR l.version IS NULL OR jsonb_build_array(c.module_version_id,
                c.device_class_id, c.memory, c.flops, c.latency_us) <> l.cost;
    END IF;
END $$;
REVOKE ALL ON FUNCTION eclm.audit_differences, eclm.is_same_value, eclm.update_digest FROM PUBLIC;
GRANT EXECUTE ON FUNCTION eclm.audit_differences TO eclm_reader;

"""#),
    ]
}
