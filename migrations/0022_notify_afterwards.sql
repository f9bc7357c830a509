-- Commits that notify run side by side, too. PostgreSQL lets only one transaction at a time commit notifications, and until
-- its commit is on disk: submissions and publications of all models queued for each other's. A program that notifies by
-- itself once it has committed, as registryd does, says so with SET LOCAL eclm.notify = 'afterwards'. For everybody else
-- the triggers notify as before.
CREATE FUNCTION eclm.notify(channel text, payload text) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('eclm.notify', true) IS DISTINCT FROM 'afterwards' THEN
        PERFORM pg_notify(channel, payload);
    END IF;
END $$;

CREATE OR REPLACE FUNCTION eclm.notify_updates() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM eclm.notify('eclm_updates', NEW.model_id::text);
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION eclm.notify_catalogue() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM eclm.notify('eclm_catalogue', TG_TABLE_NAME);
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION eclm.write_channel_move() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = eclm, pg_temp AS $$
BEGIN
    INSERT INTO eclm.channel_moves (channel_id, revision, from_release_id, to_release_id, action, reason, moved_by)
        VALUES (NEW.channel_id, NEW.revision, CASE WHEN TG_OP = 'UPDATE' THEN OLD.release_id END, NEW.release_id,
                NEW.action, eclm.reason(), eclm.actor());
    PERFORM eclm.notify('eclm_channels', json_build_object(
        'model_id', NEW.model_id, 'channel', NEW.name, 'release_id', NEW.release_id)::text);
    RETURN NULL;
END $$;
