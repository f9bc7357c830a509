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
