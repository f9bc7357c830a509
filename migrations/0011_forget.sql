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
