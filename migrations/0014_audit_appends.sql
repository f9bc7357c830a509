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
