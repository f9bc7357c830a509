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
