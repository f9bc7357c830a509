-- What names may consist of, beyond the types of migration 0001; NameRule in ECLMCore says the same.

-- Who acts, as before, and now without control characters, and of at most 256 bytes: in this one place, before anything is
-- written, so that nothing that is committed can be refused later on its way into the audit.
CREATE OR REPLACE FUNCTION eclm.actor() RETURNS text
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    who text := coalesce(nullif(current_setting('eclm.actor', true), ''), session_user::text);
BEGIN
    IF who ~ '[\u0001-\u001f\u007f]' OR octet_length(who) > 256 THEN
        RAISE EXCEPTION 'the actor''s name holds control characters or has more than 256 bytes'
            USING ERRCODE = 'check_violation', HINT = 'Name another one with SET LOCAL eclm.actor.';
    END IF;
    RETURN who;
END $$;

-- Names of operators have no spaces, so that a list joined by spaces shows whether each is one. NOT VALID: classes from
-- before stay until they are defined anew. Requirements have no such check, since rounds and rollbacks make versions with
-- those that their parents had; a publication is checked before it comes here.
ALTER TABLE eclm.device_classes ADD CONSTRAINT device_classes_operators_names CHECK (
    array_to_string(operators, ' ') ~ '^([\u0021-\u002b\u002d-\u007e]{1,64}( [\u0021-\u002b\u002d-\u007e]{1,64})*)?$'
    AND cardinality(string_to_array(array_to_string(operators, ' '), ' ')) = cardinality(operators)
) NOT VALID;
