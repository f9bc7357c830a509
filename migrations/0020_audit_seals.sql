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
