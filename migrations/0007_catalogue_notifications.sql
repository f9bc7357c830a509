-- What changes a catalogue snapshot tells the servers that hold one.

CREATE FUNCTION eclm.notify_catalogue() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('eclm_catalogue', TG_TABLE_NAME);
    RETURN NULL;
END $$;

CREATE TRIGGER releases_notify AFTER INSERT ON eclm.releases
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.notify_catalogue();
CREATE TRIGGER withdrawals_notify AFTER INSERT OR UPDATE ON eclm.withdrawals
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.notify_catalogue();
CREATE TRIGGER device_classes_notify AFTER INSERT OR UPDATE OR DELETE ON eclm.device_classes
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.notify_catalogue();
CREATE TRIGGER costs_notify AFTER INSERT OR UPDATE OR DELETE ON eclm.costs
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.notify_catalogue();
