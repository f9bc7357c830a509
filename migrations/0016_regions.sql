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
