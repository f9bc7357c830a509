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
