-- Small blobs come in many at once: checks of them look at a statement's rows together, and one call stores them all.

DROP TRIGGER blob_chunks_sealed ON eclm.blob_chunks;
CREATE TRIGGER blob_chunks_sealed BEFORE UPDATE OR DELETE ON eclm.blob_chunks
    FOR EACH ROW EXECUTE FUNCTION eclm.check_blob_chunk();

CREATE FUNCTION eclm.check_new_chunks() RETURNS trigger
    LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (SELECT FROM new_rows n JOIN eclm.blobs b ON b.storage_id = n.storage_id) THEN
        RAISE EXCEPTION 'the chunks of a sealed blob are immutable: INSERT refused' USING ERRCODE = 'EC001';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER blob_chunks_open AFTER INSERT ON eclm.blob_chunks REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.check_new_chunks();

DROP TRIGGER blobs_whole ON eclm.blobs;
CREATE OR REPLACE FUNCTION eclm.check_blob() RETURNS trigger
    LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    broken record;
BEGIN
    SELECT n.digest, n.size, c.total, c.chunks INTO broken
        FROM new_rows n
        CROSS JOIN LATERAL (SELECT coalesce(sum(octet_length(data)), 0) AS total, count(*) AS chunks,
            coalesce(max(number), -1) AS highest FROM eclm.blob_chunks WHERE storage_id = n.storage_id) c
        WHERE n.store = 'postgresql' AND (c.total <> n.size OR c.chunks <> c.highest + 1) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'blob sha256:% has % of % bytes in % chunks: it cannot be sealed',
            encode(broken.digest, 'hex'), broken.total, broken.size, broken.chunks USING ERRCODE = 'EC002';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER blobs_whole AFTER INSERT ON eclm.blobs REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.check_blob();

-- Stores those of the blobs that are not there, within the caller's transaction. The digests are the caller's to check, and
-- in ascending order, so that no two such transactions wait for each other.
-- Returns the bytes that were stored now.
CREATE FUNCTION eclm.put_blobs(digests bytea[], contents bytea[]) RETURNS bigint
    LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    chunk_size constant integer := 1048576;
    new_digests bytea[];
    new_contents bytea[];
    storage_ids bigint[];
    stored integer;
    bytes bigint;
BEGIN
    SELECT array_agg(p.digest ORDER BY p.digest), array_agg(p.content ORDER BY p.digest),
            array_agg(nextval('eclm.blob_storage_ids') ORDER BY p.digest)
        INTO new_digests, new_contents, storage_ids
        FROM unnest(digests, contents) p (digest, content)
        WHERE NOT EXISTS (SELECT FROM eclm.blobs b WHERE b.digest = p.digest);
    IF new_digests IS NULL THEN
        RETURN 0;
    END IF;
    INSERT INTO eclm.blob_chunks (storage_id, number, data)
        SELECT p.storage_id, n, CASE WHEN octet_length(p.content) <= chunk_size THEN p.content
            ELSE substring(p.content FROM n * chunk_size + 1 FOR chunk_size) END
        FROM unnest(storage_ids, new_contents) p (storage_id, content)
        CROSS JOIN LATERAL generate_series(0, (octet_length(p.content) + chunk_size - 1) / chunk_size - 1) n;
    WITH sealed AS (
        INSERT INTO eclm.blobs (digest, size, storage_id)
            SELECT p.digest, octet_length(p.content), p.storage_id
            FROM unnest(new_digests, new_contents, storage_ids) p (digest, content, storage_id)
            ON CONFLICT DO NOTHING
            RETURNING size
    )
    SELECT count(*), coalesce(sum(size), 0) INTO stored, bytes FROM sealed;
    IF stored < cardinality(storage_ids) THEN
        -- Somebody else was first with some of them.
        DELETE FROM eclm.blob_chunks c WHERE c.storage_id = ANY (storage_ids)
            AND NOT EXISTS (SELECT FROM eclm.blobs b WHERE b.storage_id = c.storage_id);
    END IF;
    RETURN bytes;
END $$;

-- What an update names is looked up for all its rows at once, and without a lock: releases, module versions and updates stay
-- as they are for ever, by trigger. Foreign keys looked row by row, and since all submissions lock the same few rows, each
-- wrote to these rows too. That of a blob stays: blobs are collected.
ALTER TABLE eclm.update_modules
    DROP CONSTRAINT update_modules_model_id_update_id_fkey,
    DROP CONSTRAINT update_modules_model_id_module_id_fkey,
    DROP CONSTRAINT update_modules_module_id_base_version_id_fkey;
ALTER TABLE eclm.updates
    DROP CONSTRAINT updates_model_id_fkey,
    DROP CONSTRAINT updates_model_id_base_release_id_fkey;

CREATE FUNCTION eclm.check_update_bases() RETURNS trigger
    LANGUAGE plpgsql SET search_path = eclm, pg_temp SET enable_seqscan = off AS $$
DECLARE
    wrong record;
BEGIN
    SELECT n.model_id, n.base_release_id INTO wrong FROM new_rows n
        WHERE NOT EXISTS (SELECT FROM releases r WHERE r.model_id = n.model_id AND r.release_id = n.base_release_id)
        LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'model % has no release %', wrong.model_id, wrong.base_release_id
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER updates_bases AFTER INSERT ON eclm.updates
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION eclm.check_update_bases();

-- As it was, and refuses an update or a base version that is not there, or not of the module or model.
CREATE OR REPLACE FUNCTION eclm.check_update_encodings() RETURNS trigger
    LANGUAGE plpgsql SET search_path = eclm, pg_temp SET enable_seqscan = off AS $$
DECLARE
    wrong record;
BEGIN
    SELECT n.update_id, n.module_id, n.base_version_id, n.encoding, v.version, e.name IS NULL AS is_unknown,
            u.update_id IS NULL OR v.version IS NULL AS is_absent INTO wrong
        FROM new_rows n
        LEFT JOIN update_encodings e ON e.name = n.encoding
        LEFT JOIN updates u ON u.update_id = n.update_id AND u.model_id = n.model_id
        LEFT JOIN module_versions v ON v.module_version_id = n.base_version_id AND v.module_id = n.module_id
            AND v.model_id = n.model_id
        WHERE e.name IS NULL OR u.update_id IS NULL OR v.version IS NULL OR n.base_digest <> v.digest LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    ELSIF wrong.is_absent THEN
        RAISE EXCEPTION 'update %, or base version % of module %, is not there or not of this model',
            wrong.update_id, wrong.base_version_id, wrong.module_id USING ERRCODE = 'foreign_key_violation';
    ELSIF wrong.is_unknown THEN
        RAISE EXCEPTION 'there is no encoding % of updates', wrong.encoding USING ERRCODE = 'check_violation',
            HINT = 'eclm.update_encodings has those there are; a newer program''s come with its registryctl migrate';
    END IF;
    RAISE EXCEPTION 'version % of module % has other weights than those that the update was made from',
        wrong.version, wrong.module_id USING ERRCODE = 'check_violation';
END $$;
