-- What earlier migrations wrote out for each group of tables, once, for the files to come:
--     CALL eclm.make_immutable('eclm.rounds', 'eclm.round_updates');

-- Rows of the tables stay as they were inserted: changing, deleting and truncating are refused with EC001.
CREATE PROCEDURE eclm.make_immutable(VARIADIC tables regclass[])
    LANGUAGE plpgsql AS $$
DECLARE
    immutable regclass;
    table_name name;
BEGIN
    FOREACH immutable IN ARRAY tables LOOP
        SELECT relname INTO STRICT table_name FROM pg_class WHERE oid = immutable;
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change()',
            table_name || '_immutable', immutable);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change()',
            table_name || '_keep', immutable);
    END LOOP;
END $$;
REVOKE ALL ON PROCEDURE eclm.make_immutable FROM PUBLIC;
