-- Differential privacy: what each private round cost, whom, and what its noise was drawn from. docs/trainer.md has the
-- definition.

-- What the guarantee is computed of must be there, and nothing that it does not hold with.
ALTER TABLE eclm.policies ADD CONSTRAINT policies_private CHECK (rule <> 'private_mean'
    OR (parameters ?& '{noise_multiplier,clip_norm,delta}' AND NOT parameters ?| '{norm_z,refuse_duplicates,staleness}'
        AND (parameters ->> 'noise_multiplier')::float8 > 0 AND (parameters ->> 'clip_norm')::float8 > 0
        AND (parameters ->> 'delta')::float8 BETWEEN 1e-300 AND 0.5 AND quorum = 0));

-- A private round takes the oldest pending update of each device.
CREATE INDEX updates_pending_by_device ON eclm.updates (model_id, device_id, update_id) WHERE status = 'pending';

-- The smallest epsilon for a delta, of Gaussian mechanisms whose 1 / (2 * noise multiplier ^ 2) have the sum rho: their Rényi
-- divergence of order a is a * rho (Mironov, 2017), converted by Canonne, Kamath and Steinke (2020, proposition 12) at the
-- best of many orders.
CREATE FUNCTION eclm.privacy_epsilon(rho double precision, delta double precision) RETURNS double precision
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN rho <= 0 THEN 0 ELSE greatest(0, min(o.a * rho + ln(1 - 1 / o.a) - (ln(delta) + ln(o.a)) / (o.a - 1))) END
    FROM (SELECT 1 + power(2::double precision, n / 16.0::double precision) AS a FROM generate_series(-128, 320) n) o;
END;

-- A round's parameters, and what the model's rounds up to this one cost. The trainer names the round; the rest is computed.
CREATE TABLE eclm.round_privacy (
    round_id         bigint PRIMARY KEY,
    model_id         bigint NOT NULL,
    number           integer NOT NULL,
    noise_multiplier double precision NOT NULL CHECK (noise_multiplier > 0),
    clip_norm        double precision NOT NULL CHECK (clip_norm > 0),
    delta            double precision NOT NULL CHECK (delta > 0 AND delta < 1),
    -- Counted, one of each device.
    updates          integer NOT NULL CHECK (updates >= 1),
    -- Private rounds of the model, with this one; devices that they counted; and the most that they cost one of these.
    private_rounds   integer NOT NULL CHECK (private_rounds BETWEEN 1 AND number),
    devices          integer NOT NULL CHECK (devices >= 1),
    rho              double precision NOT NULL CHECK (rho > 0),
    UNIQUE (model_id, number),
    FOREIGN KEY (model_id, round_id) REFERENCES eclm.rounds (model_id, round_id)
);

-- What noise was drawn from. Who reads it can take the noise off a release: not for readers.
CREATE TABLE eclm.round_seeds (
    round_id bigint PRIMARY KEY REFERENCES eclm.round_privacy,
    seed     bytea NOT NULL CHECK (octet_length(seed) = 32)
);

-- What private rounds cost each device so far. It only ever grows: neither a rollback nor a withdrawal takes back what was
-- released.
CREATE TABLE eclm.privacy_ledger (
    model_id  bigint NOT NULL REFERENCES eclm.models,
    device_id text NOT NULL REFERENCES eclm.devices,
    rounds    integer NOT NULL CHECK (rounds >= 1),
    rho       double precision NOT NULL CHECK (rho > 0),
    PRIMARY KEY (model_id, device_id)
);

CREATE FUNCTION eclm.check_privacy_ledger() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.model_id, NEW.device_id, NEW.rounds) <> (OLD.model_id, OLD.device_id, OLD.rounds + 1) OR NEW.rho < OLD.rho THEN
        RAISE EXCEPTION 'what private rounds cost a device grows round by round, and in no other way' USING ERRCODE = 'EC001';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER privacy_ledger_grows BEFORE UPDATE ON eclm.privacy_ledger
    FOR EACH ROW EXECUTE FUNCTION eclm.check_privacy_ledger();
CREATE TRIGGER privacy_ledger_immutable BEFORE DELETE ON eclm.privacy_ledger
    FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change();
CREATE TRIGGER privacy_ledger_keep BEFORE TRUNCATE ON eclm.privacy_ledger
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change();
DO $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['round_privacy', 'round_seeds'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON eclm.%I FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change()',
            table_name || '_immutable', table_name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON eclm.%I FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change()',
            table_name || '_keep', table_name);
    END LOOP;
END $$;

-- Charges the devices of a round, whose updates are in round_updates by now. Rounds of a model commit one after the other.
CREATE FUNCTION eclm.spend_privacy() RETURNS trigger
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
        WHERE r.round_id = NEW.round_id AND p.rule = 'private_mean';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'round % follows no policy with the rule private_mean', NEW.round_id USING ERRCODE = 'EC002';
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
CREATE TRIGGER round_privacy_spend BEFORE INSERT ON eclm.round_privacy FOR EACH ROW EXECUTE FUNCTION eclm.spend_privacy();
CREATE TRIGGER round_privacy_audit AFTER INSERT ON eclm.round_privacy
    FOR EACH ROW EXECUTE FUNCTION eclm.audit_row('round_privacy', 'round_id');

-- A private round is charged, for the updates that it counts, and keeps its seed, at every commit.
CREATE FUNCTION eclm.check_private_round() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM eclm.round_privacy y JOIN eclm.round_seeds USING (round_id) WHERE y.round_id = NEW.round_id
            AND y.updates = (SELECT count(*) FROM eclm.round_updates ru WHERE ru.round_id = NEW.round_id)) THEN
        RAISE EXCEPTION 'private round % is not charged for what it counts, or has no seed', NEW.number
            USING ERRCODE = 'EC002';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER rounds_private AFTER INSERT ON eclm.rounds
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.rule LIKE 'private\_mean%')
    EXECUTE FUNCTION eclm.check_private_round();

-- What whoever has a release, and all before it, may learn of one device. `epsilon` is NULL, unbounded, once a round
-- without privacy came before; `private_epsilon` is that of the devices that took part in private rounds alone.
CREATE VIEW eclm.release_privacy AS
SELECT mo.name AS model, e.number AS release,
    CASE WHEN upto.number = coalesce(y.private_rounds, 0) THEN coalesce(eclm.privacy_epsilon(y.rho, y.delta), 0) END AS epsilon,
    y.delta, eclm.privacy_epsilon(y.rho, y.delta) AS private_epsilon, coalesce(y.devices, 0) AS devices,
    coalesce(y.private_rounds, 0) AS private_rounds, upto.number - coalesce(y.private_rounds, 0) AS unprotected_rounds,
    y.noise_multiplier, y.clip_norm
FROM eclm.releases e
JOIN eclm.models mo USING (model_id)
-- The last round before the release: its own, or the last one that had committed.
CROSS JOIN LATERAL (SELECT coalesce((SELECT r.number FROM eclm.rounds r WHERE r.round_id = e.round_id),
    (SELECT r.number FROM eclm.rounds r WHERE e.round_id IS NULL AND r.model_id = e.model_id
        AND r.committed_at <= e.created_at ORDER BY r.number DESC LIMIT 1), 0) AS number) upto
LEFT JOIN LATERAL (SELECT y.* FROM eclm.round_privacy y WHERE y.model_id = e.model_id AND y.number <= upto.number
    ORDER BY y.number DESC LIMIT 1) y ON true;

-- Where the ledger, or what a round says of it, is not what the rounds come to; computed from the rounds, not by the
-- triggers that see to it. No row where all is well.
CREATE VIEW eclm.privacy_problems AS
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
WHERE r.rule LIKE 'private\_mean%' AND NOT EXISTS (SELECT FROM eclm.round_privacy y WHERE y.round_id = r.round_id);

GRANT SELECT ON eclm.round_privacy, eclm.privacy_ledger, eclm.release_privacy, eclm.privacy_problems TO eclm_reader;
GRANT INSERT (round_id) ON eclm.round_privacy TO eclm_trainer;
GRANT SELECT, INSERT ON eclm.round_seeds TO eclm_trainer;
