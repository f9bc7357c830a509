-- Canaries: a release on trial on a share of the devices of a channel, against the release that the others keep.

CREATE TYPE eclm.canary_state AS ENUM ('running', 'promoted', 'rolled_back', 'cancelled', 'expired');

ALTER TABLE eclm.channels ADD UNIQUE (model_id, channel_id);

CREATE TABLE eclm.canaries (
    canary_id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model_id             bigint NOT NULL,
    channel_id           bigint NOT NULL,
    candidate_release_id bigint NOT NULL,
    -- What the channel points to, and goes on pointing to until the candidate is promoted.
    control_release_id   bigint NOT NULL,
    -- The share of the devices that get the candidate, and what makes each canary pick others.
    share                double precision NOT NULL CHECK (share > 0 AND share < 1),
    salt                 bytea NOT NULL DEFAULT uuid_send(gen_random_uuid()) CHECK (octet_length(salt) = 16),
    -- What devices report, which way is better, and the range that values are clipped to.
    metric               text NOT NULL CHECK (octet_length(metric) BETWEEN 1 AND 64),
    lower_is_better      boolean NOT NULL DEFAULT false,
    lower_bound          double precision NOT NULL CHECK (lower_bound > '-Infinity'),
    upper_bound          double precision NOT NULL CHECK (upper_bound < 'Infinity' AND upper_bound > lower_bound),
    -- Promoting a candidate that is worse by the margin or more has at most the probability alpha, rolling back one that
    -- is as good or better at most beta, whenever and however often one looks.
    margin               double precision NOT NULL CHECK (margin > 0 AND margin < upper_bound - lower_bound),
    alpha                double precision NOT NULL CHECK (alpha >= 1e-9 AND alpha <= 0.5),
    beta                 double precision NOT NULL CHECK (beta >= 1e-9 AND beta <= 0.5),
    -- Devices of each arm that must be counted before a decision.
    minimum_observations integer NOT NULL CHECK (minimum_observations BETWEEN 1 AND 100000000),
    -- Devices of each arm that one block compares.
    candidate_block      integer NOT NULL CHECK (candidate_block BETWEEN 1 AND 64),
    control_block        integer NOT NULL CHECK (control_block BETWEEN 1 AND 64),
    deadline             timestamptz NOT NULL,
    reason               text NOT NULL DEFAULT eclm.reason() CHECK (length(reason) <= 4096),
    started_at           timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_by           text NOT NULL DEFAULT eclm.actor(),
    -- The sufficient statistics: all that is kept of the observations that were counted. Values as devices reported
    -- them, clipped; m2 is the sum of squared distances from the mean; wealths are natural logarithms.
    blocks               bigint NOT NULL DEFAULT 0,
    candidate_count      bigint NOT NULL DEFAULT 0,
    candidate_mean       double precision NOT NULL DEFAULT 0,
    candidate_m2         double precision NOT NULL DEFAULT 0,
    control_count        bigint NOT NULL DEFAULT 0,
    control_mean         double precision NOT NULL DEFAULT 0,
    control_m2           double precision NOT NULL DEFAULT 0,
    promote_wealth       double precision[] NOT NULL DEFAULT '{}',
    rollback_wealth      double precision[] NOT NULL DEFAULT '{}',
    state                eclm.canary_state NOT NULL DEFAULT 'running',
    decided_at           timestamptz,
    decided_by           text,
    decision             text CHECK (length(decision) <= 4096),
    -- The statistics at the decision; written by trigger, so that the audit has them whoever decided.
    evidence             jsonb,
    UNIQUE (canary_id, candidate_release_id),
    FOREIGN KEY (model_id, channel_id) REFERENCES eclm.channels (model_id, channel_id),
    FOREIGN KEY (model_id, candidate_release_id) REFERENCES eclm.releases (model_id, release_id),
    FOREIGN KEY (model_id, control_release_id) REFERENCES eclm.releases (model_id, release_id),
    CHECK (candidate_release_id <> control_release_id),
    CHECK (candidate_block = 1 OR control_block = 1),
    CHECK (deadline > started_at),
    CHECK ((state = 'running') = (num_nonnulls(decided_at, decided_by, decision, evidence) = 0)),
    CHECK (state = 'running' OR num_nulls(decided_at, decided_by, decision, evidence) = 0)
);
CREATE UNIQUE INDEX canaries_running ON eclm.canaries (channel_id) WHERE state = 'running';
CREATE INDEX canaries_running_of_model ON eclm.canaries (model_id) WHERE state = 'running';
CREATE INDEX canaries_by_channel ON eclm.canaries (channel_id, canary_id);

-- What a device reported: once for each canary, so that a device that reports often weighs no more than others.
CREATE TABLE eclm.canary_observations (
    canary_id      bigint NOT NULL REFERENCES eclm.canaries,
    device_id      text NOT NULL REFERENCES eclm.devices,
    observation_id bigint GENERATED ALWAYS AS IDENTITY,
    candidate      boolean NOT NULL,
    value          double precision NOT NULL,
    observed_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- The block that counted it; NULL while it waits.
    block          bigint CHECK (block >= 1),
    PRIMARY KEY (canary_id, device_id)
);
CREATE INDEX canary_observations_waiting ON eclm.canary_observations (canary_id, candidate, observation_id)
    WHERE block IS NULL;

-- Whether a device gets the candidate: the first 48 bits of SHA-256(salt, name) as a fraction, below the share.
CREATE FUNCTION eclm.in_canary(salt bytea, share double precision, device text) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT
    RETURN ('x' || encode(substr(sha256(salt || convert_to(device, 'UTF8')), 1, 6), 'hex'))::bit(48)::bigint::float8
        / 281474976710656 < share;

-- The logarithm of the mean of numbers that are given by their logarithms; 0 for none, as at the start of a test.
CREATE FUNCTION eclm.log_mean_exp(logarithms double precision[]) RETURNS double precision
    LANGUAGE sql IMMUTABLE STRICT
    RETURN coalesce((SELECT max(top.v) + ln(avg(exp(greatest(l.v - top.v, -700))))
        FROM unnest(logarithms) l (v), (SELECT max(m.v) FROM unnest(logarithms) m (v)) top (v)), 0);

CREATE FUNCTION eclm.canary_evidence(of_canary eclm.canaries) RETURNS jsonb
    LANGUAGE sql STABLE
    RETURN jsonb_build_object(
        'blocks', of_canary.blocks,
        'candidate', jsonb_build_object('observations', of_canary.candidate_count, 'mean', of_canary.candidate_mean,
            'standard_deviation', sqrt(of_canary.candidate_m2 / greatest(of_canary.candidate_count - 1, 1))),
        'control', jsonb_build_object('observations', of_canary.control_count, 'mean', of_canary.control_mean,
            'standard_deviation', sqrt(of_canary.control_m2 / greatest(of_canary.control_count - 1, 1))),
        'promotion', jsonb_build_object('log_e_value', eclm.log_mean_exp(of_canary.promote_wealth),
            'needed', -ln(of_canary.alpha)),
        'rollback', jsonb_build_object('log_e_value', eclm.log_mean_exp(of_canary.rollback_wealth),
            'needed', -ln(of_canary.beta)));

CREATE FUNCTION eclm.check_canary() RETURNS trigger
    LANGUAGE plpgsql AS $$
DECLARE
    statistics text[] := '{blocks,candidate_count,candidate_mean,candidate_m2,control_count,control_mean,control_m2,promote_wealth,rollback_wealth,state,decided_at,decided_by,decision,evidence}';
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'running' OR NEW.control_release_id IS DISTINCT FROM
            (SELECT release_id FROM eclm.channels WHERE channel_id = NEW.channel_id FOR SHARE) THEN
            RAISE EXCEPTION 'a canary starts running, against the release that its channel points to'
                USING ERRCODE = 'EC002';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.state <> 'running' THEN
        RAISE EXCEPTION 'canary % is %: nothing of it changes any more', OLD.canary_id, OLD.state
            USING ERRCODE = 'EC001';
    END IF;
    IF to_jsonb(NEW) - statistics <> to_jsonb(OLD) - statistics OR NEW.blocks < OLD.blocks THEN
        RAISE EXCEPTION 'what canary % compares is immutable', OLD.canary_id USING ERRCODE = 'EC001';
    END IF;
    NEW.evidence := CASE WHEN NEW.state <> 'running' THEN eclm.canary_evidence(NEW) END;
    RETURN NEW;
END $$;
CREATE TRIGGER canaries_check BEFORE INSERT OR UPDATE ON eclm.canaries
    FOR EACH ROW EXECUTE FUNCTION eclm.check_canary();
CREATE TRIGGER canaries_immutable BEFORE DELETE ON eclm.canaries FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change();
CREATE TRIGGER canaries_keep BEFORE TRUNCATE ON eclm.canaries
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change();

CREATE FUNCTION eclm.check_canary_observation() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.block IS NOT NULL OR to_jsonb(NEW) - 'block' <> to_jsonb(OLD) - 'block' THEN
        RAISE EXCEPTION 'what a device reported is immutable, and counts once' USING ERRCODE = 'EC001';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER canary_observations_count BEFORE UPDATE ON eclm.canary_observations
    FOR EACH ROW EXECUTE FUNCTION eclm.check_canary_observation();
CREATE TRIGGER canary_observations_immutable BEFORE DELETE ON eclm.canary_observations
    FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change();
CREATE TRIGGER canary_observations_keep BEFORE TRUNCATE ON eclm.canary_observations
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change();

-- Takes what a device measured of a release as an observation of the canaries that compare it. It counts where the device
-- runs what the canary gave it; the first report counts. Gives the number of such canaries, also when repeated.
CREATE FUNCTION eclm.observe_canaries(device text, of_model bigint, of_release bigint, metrics jsonb) RETURNS integer
    LANGUAGE sql SECURITY DEFINER SET search_path = eclm, pg_temp
BEGIN ATOMIC
    WITH concerned AS (
        SELECT c.canary_id, c.candidate_release_id = of_release AS candidate, c.lower_bound, c.upper_bound,
            (metrics ->> c.metric)::numeric AS value
        FROM eclm.canaries c
        WHERE c.model_id = of_model AND c.state = 'running'
            AND of_release IN (c.candidate_release_id, c.control_release_id)
            AND (of_release = c.candidate_release_id) = eclm.in_canary(c.salt, c.share, device)
            AND jsonb_typeof(metrics -> c.metric) = 'number'
    ), observed AS (
        INSERT INTO eclm.canary_observations (canary_id, device_id, candidate, value)
        SELECT o.canary_id, device, o.candidate,
            CASE WHEN o.value <= o.lower_bound::numeric THEN o.lower_bound
                 WHEN o.value >= o.upper_bound::numeric THEN o.upper_bound
                 ELSE greatest(least(o.value::float8, o.upper_bound), o.lower_bound) END
        FROM concerned o
        ON CONFLICT DO NOTHING
    )
    SELECT count(*)::integer FROM concerned;
END;
REVOKE ALL ON FUNCTION eclm.observe_canaries FROM PUBLIC;

-- The metrics of a submission are such a report of the release that was trained.
CREATE FUNCTION eclm.observe_update() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = eclm, pg_temp AS $$
BEGIN
    PERFORM eclm.observe_canaries(NEW.device_id, NEW.model_id, NEW.base_release_id, NEW.metrics);
    RETURN NULL;
END $$;
CREATE TRIGGER updates_observe AFTER INSERT ON eclm.updates FOR EACH ROW
    WHEN (NEW.metrics <> '{}') EXECUTE FUNCTION eclm.observe_update();

-- A canary compares two releases for as long as the channel stays and neither is withdrawn: whoever moves the one or
-- withdraws the other ends it, in the same transaction.
CREATE FUNCTION eclm.cancel_canaries() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = eclm, pg_temp AS $$
BEGIN
    IF TG_TABLE_NAME = 'channels' THEN
        UPDATE eclm.canaries SET state = 'cancelled', decided_at = clock_timestamp(), decided_by = eclm.actor(),
            decision = format('channel %s was moved to release %s', NEW.name,
                (SELECT number FROM eclm.releases WHERE release_id = NEW.release_id))
        WHERE channel_id = NEW.channel_id AND state = 'running';
    ELSE
        UPDATE eclm.canaries c SET state = 'cancelled', decided_at = clock_timestamp(), decided_by = eclm.actor(),
            decision = 'a rollback withdrew one of the releases, or a module version of one'
        WHERE c.state = 'running' AND (NEW.release_id IN (c.candidate_release_id, c.control_release_id)
            OR EXISTS (SELECT FROM eclm.release_modules m WHERE m.module_version_id = NEW.module_version_id
                AND m.release_id IN (c.candidate_release_id, c.control_release_id)));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER channels_cancel_canaries AFTER UPDATE ON eclm.channels FOR EACH ROW
    WHEN (OLD.release_id <> NEW.release_id) EXECUTE FUNCTION eclm.cancel_canaries();
CREATE TRIGGER withdrawals_cancel_canaries AFTER INSERT ON eclm.withdrawals FOR EACH ROW
    EXECUTE FUNCTION eclm.cancel_canaries();

-- A candidate that was rolled back is withdrawn, unless a channel carries it.
ALTER TABLE eclm.withdrawals ALTER COLUMN rollback_id DROP NOT NULL;
ALTER TABLE eclm.withdrawals ADD COLUMN canary_id bigint;
ALTER TABLE eclm.withdrawals ADD FOREIGN KEY (canary_id, release_id)
    REFERENCES eclm.canaries (canary_id, candidate_release_id);
ALTER TABLE eclm.withdrawals ADD CHECK (num_nonnulls(rollback_id, canary_id) = 1);
ALTER TABLE eclm.withdrawals ADD CHECK (canary_id IS NULL OR release_id IS NOT NULL);

CREATE FUNCTION eclm.withdraw_candidate() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = eclm, pg_temp AS $$
BEGIN
    INSERT INTO eclm.withdrawals (release_id, canary_id, reason)
    SELECT NEW.candidate_release_id, NEW.canary_id, format('canary %s: %s', NEW.canary_id, NEW.decision)
    WHERE NOT EXISTS (SELECT FROM eclm.channels WHERE release_id = NEW.candidate_release_id)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER canaries_withdraw AFTER UPDATE ON eclm.canaries FOR EACH ROW
    WHEN (OLD.state = 'running' AND NEW.state = 'rolled_back') EXECUTE FUNCTION eclm.withdraw_candidate();

-- A start and a decision are audited; what is counted in between is not.
CREATE CONSTRAINT TRIGGER canaries_audit AFTER INSERT ON eclm.canaries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION eclm.audit_row('canary', 'canary_id');
CREATE CONSTRAINT TRIGGER canaries_audit_decision AFTER UPDATE ON eclm.canaries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.state <> NEW.state)
    EXECUTE FUNCTION eclm.audit_row('canary', 'canary_id');

-- Servers give devices the candidate from then on, or no more; trainers look for a decision.
CREATE FUNCTION eclm.notify_canaries() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'canaries' THEN
        PERFORM pg_notify('eclm_catalogue', TG_TABLE_NAME);
    END IF;
    PERFORM pg_notify('eclm_canaries', NEW.canary_id::text);
    RETURN NULL;
END $$;
CREATE TRIGGER canaries_notify AFTER INSERT ON eclm.canaries FOR EACH ROW EXECUTE FUNCTION eclm.notify_canaries();
CREATE TRIGGER canaries_notify_decision AFTER UPDATE ON eclm.canaries FOR EACH ROW
    WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION eclm.notify_canaries();
CREATE TRIGGER canary_observations_notify AFTER INSERT ON eclm.canary_observations
    FOR EACH ROW EXECUTE FUNCTION eclm.notify_canaries();

GRANT SELECT ON eclm.canaries, eclm.canary_observations TO eclm_reader;
GRANT EXECUTE ON FUNCTION eclm.observe_canaries TO eclm_device;
-- Salt, times, names and statistics are the database's and the trainer's.
GRANT INSERT (model_id, channel_id, candidate_release_id, control_release_id, share, metric, lower_is_better, lower_bound,
    upper_bound, margin, alpha, beta, minimum_observations, candidate_block, control_block, deadline)
    ON eclm.canaries TO eclm_operator;
GRANT UPDATE (state, decided_at, decided_by, decision) ON eclm.canaries TO eclm_operator, eclm_trainer;
GRANT UPDATE (blocks, candidate_count, candidate_mean, candidate_m2, control_count, control_mean, control_m2,
    promote_wealth, rollback_wealth) ON eclm.canaries TO eclm_trainer;
GRANT UPDATE (block) ON eclm.canary_observations TO eclm_trainer;
