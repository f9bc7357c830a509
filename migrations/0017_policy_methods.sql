-- The methods that policies may name, and the encodings of updates, as the program knows them that migrated the database:
-- `registryctl migrate` writes them, and nobody else.

-- kind: an aggregation rule or a server optimizer.
CREATE TABLE eclm.policy_methods (
    kind            text NOT NULL CHECK (kind IN ('rule', 'optimizer')),
    name            text NOT NULL CHECK (name ~ '^[a-z0-9_]{1,48}$'),
    summary         text NOT NULL,
    -- Of a rule, the most updates that a round may take with it.
    maximum_updates integer CHECK (maximum_updates >= 1),
    -- Of a rule, whether it keeps each device's part private.
    is_private      boolean NOT NULL DEFAULT false,
    PRIMARY KEY (kind, name),
    CHECK ((kind = 'rule') = (maximum_updates IS NOT NULL)),
    CHECK (kind = 'rule' OR NOT is_private)
);

CREATE TABLE eclm.policy_parameters (
    kind        text NOT NULL,
    method      text NOT NULL,
    name        text NOT NULL CHECK (name ~ '^[a-z0-9_]{1,48}$'),
    summary     text NOT NULL,
    minimum     double precision NOT NULL,
    maximum     double precision NOT NULL CHECK (maximum >= minimum),
    -- What counts where a policy does not say; NULL where it is off then, or must be given.
    standard    double precision CHECK (standard BETWEEN minimum AND maximum),
    is_whole    boolean NOT NULL,
    is_required boolean NOT NULL,
    PRIMARY KEY (kind, method, name),
    FOREIGN KEY (kind, method) REFERENCES eclm.policy_methods ON DELETE CASCADE
);

CREATE TABLE eclm.update_encodings (
    name          text PRIMARY KEY CHECK (name ~ '^[a-z0-9_]{1,32}$'),
    summary       text NOT NULL,
    -- Whether it tells how weights differ from the base version's, and means nothing without it.
    is_difference boolean NOT NULL
);

GRANT SELECT ON eclm.policy_methods, eclm.policy_parameters, eclm.update_encodings TO eclm_reader;

-- Refuses parameters that a method does not have, values outside their ranges, and required ones that are missing.
CREATE FUNCTION eclm.check_policy_parameters(of_kind text, of_method text, given jsonb) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = eclm, pg_temp AS $$
DECLARE
    problem text;
BEGIN
    IF NOT EXISTS (SELECT FROM policy_methods m WHERE m.kind = of_kind AND m.name = of_method) THEN
        RAISE EXCEPTION 'there is no % %', of_kind, of_method USING ERRCODE = 'check_violation',
            HINT = 'eclm.policy_methods has those there are; a newer program''s come with its registryctl migrate';
    END IF;
    SELECT CASE
            WHEN p.name IS NULL THEN format('%s %s has no parameter %s', of_kind, of_method, g.key)
            WHEN g.key IS NULL THEN format('%s %s needs parameter %s', of_kind, of_method, p.name)
            ELSE format('parameter %s of %s %s is %s, not %s in %s...%s', p.name, of_kind, of_method, g.value,
                CASE WHEN p.is_whole THEN 'a whole number' ELSE 'a number' END, p.minimum, p.maximum)
        END INTO problem
    FROM jsonb_each(given) g
    FULL JOIN (SELECT * FROM policy_parameters p WHERE p.kind = of_kind AND p.method = of_method) p ON p.name = g.key
    WHERE p.name IS NULL
        OR (g.key IS NULL AND p.is_required)
        OR (g.key IS NOT NULL AND ((g.value #>> '{}')::float8 NOT BETWEEN p.minimum AND p.maximum
            OR p.is_whole AND (g.value #>> '{}')::float8 <> trunc((g.value #>> '{}')::float8)))
    ORDER BY coalesce(g.key, p.name) LIMIT 1;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION '%', problem USING ERRCODE = 'check_violation';
    END IF;
END $$;

CREATE FUNCTION eclm.check_policy() RETURNS trigger
    LANGUAGE plpgsql SET search_path = eclm, pg_temp AS $$
DECLARE
    method policy_methods;
BEGIN
    PERFORM check_policy_parameters('rule', NEW.rule, NEW.parameters);
    PERFORM check_policy_parameters('optimizer', NEW.optimizer, NEW.optimizer_parameters);
    SELECT * INTO method FROM policy_methods m WHERE m.kind = 'rule' AND m.name = NEW.rule;
    IF NEW.maximum_updates > method.maximum_updates THEN
        RAISE EXCEPTION 'rule % takes at most % updates a round', NEW.rule, method.maximum_updates USING ERRCODE = 'check_violation';
    END IF;
    IF method.is_private AND NEW.quorum <> 0 THEN
        RAISE EXCEPTION 'rule % takes no quorum: when a round begins must not depend on which modules devices trained',
            NEW.rule USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER policies_methods BEFORE INSERT ON eclm.policies FOR EACH ROW EXECUTE FUNCTION eclm.check_policy();

-- What a private rule needs is among its parameters now.
ALTER TABLE eclm.policies DROP CONSTRAINT policies_private;

-- Statement by statement: a submission has all its modules in one.
CREATE FUNCTION eclm.check_update_encodings() RETURNS trigger
    LANGUAGE plpgsql SET search_path = eclm, pg_temp AS $$
DECLARE
    unknown text;
BEGIN
    SELECT n.encoding INTO unknown FROM new_rows n
        WHERE NOT EXISTS (SELECT FROM update_encodings e WHERE e.name = n.encoding) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'there is no encoding % of updates', unknown USING ERRCODE = 'check_violation',
            HINT = 'eclm.update_encodings has those there are; a newer program''s come with its registryctl migrate';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER update_modules_encodings AFTER INSERT ON eclm.update_modules
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION eclm.check_update_encodings();

-- Whether a round followed a private rule.
CREATE FUNCTION eclm.is_private_round(model bigint, revision integer) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = eclm, pg_temp
BEGIN ATOMIC
    SELECT EXISTS (SELECT FROM eclm.policies p JOIN eclm.policy_methods m ON m.kind = 'rule' AND m.name = p.rule
        WHERE p.model_id = model AND p.revision = is_private_round.revision AND m.is_private);
END;

CREATE OR REPLACE FUNCTION eclm.spend_privacy() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = eclm, pg_temp AS $$
DECLARE
    epsilon_limit double precision;
    devices bigint;
    earlier eclm.round_privacy;
    highest double precision;
    newcomers bigint;
BEGIN
    SELECT r.model_id, r.number, (p.parameters ->> 'noise_multiplier')::float8, (p.parameters ->> 'clip_norm')::float8,
            (p.parameters ->> 'delta')::float8, (p.parameters ->> 'epsilon_limit')::float8
        INTO NEW.model_id, NEW.number, NEW.noise_multiplier, NEW.clip_norm, NEW.delta, epsilon_limit
        FROM rounds r JOIN policies p ON p.model_id = r.model_id AND p.revision = r.policy_revision
        WHERE r.round_id = NEW.round_id AND is_private_round(r.model_id, r.policy_revision);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'round % follows no policy with a private rule', NEW.round_id USING ERRCODE = 'EC002';
    END IF;
    SELECT count(*), count(DISTINCT u.device_id) INTO NEW.updates, devices
        FROM round_updates ru JOIN updates u USING (update_id) WHERE ru.round_id = NEW.round_id;
    IF NEW.updates <> devices THEN
        RAISE EXCEPTION 'private round % counts a device twice', NEW.number USING ERRCODE = 'EC002';
    END IF;
    SELECT * INTO earlier FROM round_privacy y WHERE y.model_id = NEW.model_id ORDER BY y.number DESC LIMIT 1;
    WITH spent AS (
        INSERT INTO privacy_ledger AS l (model_id, device_id, rounds, rho)
        SELECT NEW.model_id, u.device_id, 1, 1 / (2 * NEW.noise_multiplier * NEW.noise_multiplier)
        FROM round_updates ru JOIN updates u USING (update_id) WHERE ru.round_id = NEW.round_id
        ON CONFLICT (model_id, device_id) DO UPDATE SET rounds = l.rounds + 1, rho = l.rho + EXCLUDED.rho
        RETURNING l.rounds, l.rho
    )
    SELECT max(s.rho), count(*) FILTER (WHERE s.rounds = 1) INTO highest, newcomers FROM spent s;
    IF privacy_epsilon(highest, NEW.delta) > epsilon_limit THEN
        RAISE EXCEPTION 'private round % counts a device beyond the epsilon limit', NEW.number USING ERRCODE = 'EC002';
    END IF;
    NEW.private_rounds := coalesce(earlier.private_rounds, 0) + 1;
    NEW.devices := coalesce(earlier.devices, 0) + newcomers;
    NEW.rho := greatest(earlier.rho, highest);
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION eclm.check_private_round() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF eclm.is_private_round(NEW.model_id, NEW.policy_revision)
        AND NOT EXISTS (SELECT FROM eclm.round_privacy y JOIN eclm.round_seeds USING (round_id)
            WHERE y.round_id = NEW.round_id
            AND y.updates = (SELECT count(*) FROM eclm.round_updates ru WHERE ru.round_id = NEW.round_id)) THEN
        RAISE EXCEPTION 'private round % is not charged for what it counts, or has no seed', NEW.number
            USING ERRCODE = 'EC002';
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER rounds_private ON eclm.rounds;
CREATE CONSTRAINT TRIGGER rounds_private AFTER INSERT ON eclm.rounds
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.policy_revision IS NOT NULL)
    EXECUTE FUNCTION eclm.check_private_round();

-- As it was, but for how a private round is told from others.
CREATE OR REPLACE VIEW eclm.privacy_problems AS
SELECT mo.name AS model, coalesce(l.device_id, t.device_id) AS device_id,
    format('charged for %s rounds, counted in %s', coalesce(l.rounds, 0), coalesce(t.rounds, 0)) AS problem
FROM eclm.privacy_ledger l
FULL JOIN (SELECT y.model_id, u.device_id, count(*) AS rounds, sum(1 / (2 * y.noise_multiplier * y.noise_multiplier)) AS rho
    FROM eclm.round_privacy y
    JOIN eclm.round_updates ru USING (round_id)
    JOIN eclm.updates u USING (update_id)
    GROUP BY y.model_id, u.device_id) t ON t.model_id = l.model_id AND t.device_id = l.device_id
JOIN eclm.models mo ON mo.model_id = coalesce(l.model_id, t.model_id)
WHERE l.rounds IS DISTINCT FROM t.rounds OR abs(l.rho / t.rho - 1) > 1e-9
UNION ALL
SELECT mo.name, NULL, format('round %s says that %s devices spent %s at most; the ledger has %s and %s', y.number, y.devices,
    y.rho, l.devices, l.rho)
FROM (SELECT DISTINCT ON (model_id) * FROM eclm.round_privacy ORDER BY model_id, number DESC) y
JOIN eclm.models mo USING (model_id)
CROSS JOIN LATERAL (SELECT count(*) AS devices, max(p.rho) AS rho FROM eclm.privacy_ledger p
    WHERE p.model_id = y.model_id) l
WHERE (y.devices, y.rho) IS DISTINCT FROM (l.devices, l.rho)
UNION ALL
SELECT mo.name, NULL, format('round %s is private and was not charged', r.number)
FROM eclm.rounds r JOIN eclm.models mo USING (model_id)
WHERE eclm.is_private_round(r.model_id, r.policy_revision) AND NOT EXISTS (SELECT FROM eclm.round_privacy y WHERE y.round_id = r.round_id);
