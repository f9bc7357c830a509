-- What a difference was made from, the fewest updates and devices that a round takes, and what keeps rounds from being made.

-- The digest of the version that a module was trained from, as the device had it. NULL where an older program took the
-- update, or the device sent the weights themselves and did not say.
ALTER TABLE eclm.update_modules ADD COLUMN base_digest bytea;
-- Not validated: the rows that are there have none, and a scan would hold up submissions.
ALTER TABLE eclm.update_modules ADD CONSTRAINT update_modules_base_digest CHECK (octet_length(base_digest) = 32) NOT VALID;

-- As it was, and refuses a base whose weights are not those of the stored version.
CREATE OR REPLACE FUNCTION eclm.check_update_encodings() RETURNS trigger
    LANGUAGE plpgsql SET search_path = eclm, pg_temp AS $$
DECLARE
    wrong record;
BEGIN
    SELECT n.encoding, n.module_id, v.version, e.name IS NULL AS is_unknown INTO wrong
        FROM new_rows n
        LEFT JOIN update_encodings e ON e.name = n.encoding
        LEFT JOIN module_versions v ON v.module_version_id = n.base_version_id
        WHERE e.name IS NULL OR n.base_digest <> v.digest LIMIT 1;
    IF FOUND AND wrong.is_unknown THEN
        RAISE EXCEPTION 'there is no encoding % of updates', wrong.encoding USING ERRCODE = 'check_violation',
            HINT = 'eclm.update_encodings has those there are; a newer program''s come with its registryctl migrate';
    ELSIF FOUND THEN
        RAISE EXCEPTION 'version % of module % has other weights than those that the update was made from',
            wrong.version, wrong.module_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

-- Fewer updates, or updates of fewer devices, make no round, however long they wait. NULL: what the rule asks for.
ALTER TABLE eclm.policies
    ADD COLUMN required_updates integer CHECK (required_updates BETWEEN 1 AND maximum_updates),
    ADD COLUMN required_devices integer CHECK (required_devices BETWEEN 1 AND maximum_updates);
GRANT INSERT (required_updates, required_devices) ON eclm.policies TO eclm_operator;

-- Why the updates of a model wait although a round was tried: trouble of the registry's own, such as bytes that are lost or a
-- full disk. The next round that is made removes it.
CREATE TABLE eclm.round_obstacles (
    model_id bigint PRIMARY KEY REFERENCES eclm.models,
    code     text NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
    -- What is wrong, and what to do about it.
    problem  text NOT NULL CHECK (length(problem) BETWEEN 1 AND 4000),
    -- The trainer that met it last, and how often it was met in a row.
    trainer  text NOT NULL CHECK (length(trainer) BETWEEN 1 AND 128),
    attempts integer NOT NULL DEFAULT 1 CHECK (attempts >= 1),
    since    timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
GRANT SELECT ON eclm.round_obstacles TO eclm_reader;
GRANT INSERT (model_id, code, problem, trainer), DELETE, UPDATE (code, problem, trainer, attempts, seen_at)
    ON eclm.round_obstacles TO eclm_trainer;
