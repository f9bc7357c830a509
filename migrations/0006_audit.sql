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
