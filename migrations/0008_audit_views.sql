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
