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
