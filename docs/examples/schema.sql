-- A small registry in plain SQL, for the examples of docs/schema.md; Scripts/check-docs runs it on a fresh, migrated
-- database. It tells one story: a model is published, three devices submit, a round folds two of the updates in and
-- quarantines the third, and an operator rolls one module back. Every step runs under the role that has the right to it.

-- Blobs are written as the programs write them: chunks first, then the row that seals them.
CREATE FUNCTION pg_temp.weights(tensor text, first float4, second float4) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
    header text := format('{"%s":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', tensor);
    little bytea := ''; -- safetensors is little-endian, PostgreSQL's send functions are big-endian
    big bytea := int8send(octet_length(header));
BEGIN
    FOR i IN REVERSE 7..0 LOOP little := little || substring(big FROM i + 1 FOR 1); END LOOP;
    little := little || convert_to(header, 'UTF8');
    FOREACH big IN ARRAY ARRAY[float4send(first), float4send(second)] LOOP
        FOR i IN REVERSE 3..0 LOOP little := little || substring(big FROM i + 1 FOR 1); END LOOP;
    END LOOP;
    RETURN little;
END $$;
CREATE FUNCTION pg_temp.put(bytes bytea) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
    storage bigint := nextval('eclm.blob_storage_ids');
BEGIN
    IF NOT EXISTS (SELECT FROM eclm.blobs WHERE digest = sha256(bytes)) THEN
        INSERT INTO eclm.blob_chunks (storage_id, number, data) VALUES (storage, 0, bytes);
        INSERT INTO eclm.blobs (digest, size, storage_id) VALUES (sha256(bytes), octet_length(bytes), storage);
    END IF;
    RETURN sha256(bytes);
END $$;

-- An operator defines a device class.
BEGIN;
SET LOCAL ROLE eclm_operator;
SET LOCAL eclm.actor = 'alice@ops';
INSERT INTO eclm.device_classes (name, memory, flops, dtypes, operators, runtime)
    VALUES ('cortex-m7', 524288, 2000000, '{F32}', '{add,matmul,relu}', '{1,2,0}');
COMMIT;

-- A publisher publishes the model `keyword`: a stem, a head and two layers of two experts each. Release 1, channel stable.
BEGIN;
SET LOCAL ROLE eclm_publisher;
SET LOCAL eclm.actor = 'bob@build';
SET LOCAL eclm.reason = 'first import';
INSERT INTO eclm.models (name, summary) VALUES ('keyword', 'hears ten spoken words');
INSERT INTO eclm.module_layers (model_id, layer, name, block) VALUES (1, 0, 'block0', 'dense'), (1, 1, 'block1', 'dense');
INSERT INTO eclm.modules (model_id, kind, layer, index, name) VALUES
    (1, 'stem', NULL, 0, 'stem0'), (1, 'head', NULL, 0, 'head0'), (1, 'expert', 0, 0, 'l0.m00'), (1, 'expert', 0, 1, 'l0.m01'),
    (1, 'expert', 1, 0, 'l1.m00'), (1, 'expert', 1, 1, 'l1.m01');
INSERT INTO eclm.module_versions (model_id, module_id, version, digest, dtype, tensors, bytes, parameters, flops, peak_memory,
        origin)
    SELECT 1, module_id, 1, pg_temp.put(bytes), 'F32', '[{"name": "w", "dtype": "F32", "shape": [2]}]', octet_length(bytes),
        2, 4, 16, 'publish'
    FROM eclm.modules CROSS JOIN LATERAL pg_temp.weights('w', module_id, -module_id) bytes ORDER BY module_id;
INSERT INTO eclm.requirements (module_version_id, dtypes, operators, minimum_runtime)
    SELECT module_version_id, '{F32}', '{matmul}', '{1,0,0}' FROM eclm.module_versions;
INSERT INTO eclm.releases (model_id, number, origin) VALUES (1, 1, 'publish');
INSERT INTO eclm.release_modules (release_id, model_id, module_id, module_version_id, importance)
    SELECT 1, 1, module_id, module_version_id, 0.5 FROM eclm.module_versions;
INSERT INTO eclm.channels (model_id, name, release_id) VALUES (1, 'stable', 1);
COMMIT;

-- Devices register and submit what they learned from release 1.
BEGIN;
SET LOCAL ROLE eclm_device;
SET LOCAL eclm.actor = 'registryd';
INSERT INTO eclm.devices (device_id, device_class_id, token_digest)
    SELECT name, 1, sha256(convert_to('token of ' || name, 'UTF8')) FROM unnest('{sensor-17,sensor-23,sensor-99}'::text[]) name;
COMMIT;
BEGIN;
SET LOCAL ROLE eclm_device;
INSERT INTO eclm.updates (device_id, model_id, base_release_id, idempotency_key, content_digest, sample_count) VALUES
    ('sensor-17', 1, 1, 'monday', sha256('17'), 90),
    ('sensor-23', 1, 1, 'monday', sha256('23'), 60),
    ('sensor-99', 1, 1, 'monday', sha256('99'), 50);
INSERT INTO eclm.update_modules (update_id, model_id, module_id, base_version_id, digest, importance, sample_count) VALUES
    (1, 1, 3, 3, pg_temp.put(pg_temp.weights('w', 3.5, -3.5)), 0.75, 90),
    (2, 1, 3, 3, pg_temp.put(pg_temp.weights('w', 2.5, -2.5)), 0.25, 60),
    (2, 1, 6, 6, pg_temp.put(pg_temp.weights('w', 6.5, -6.5)), 0.5, 60),
    (3, 1, 3, 3, pg_temp.put(pg_temp.weights('w', 'NaN', 0)), 0.5, 50);
COMMIT;

-- The trainer's round: 0.75 * 3.5 + 0.25 * 2.5 = 3.25. Blobs, versions, lineage, release, channel move and the updates'
-- fate in one transaction.
BEGIN;
SET LOCAL ROLE eclm_trainer;
SET LOCAL eclm.actor = 'trainerd@node1';
SET LOCAL eclm.reason = 'round 1 of 2 updates';
SELECT FROM eclm.updates WHERE model_id = 1 AND status = 'pending' ORDER BY update_id FOR UPDATE SKIP LOCKED;
UPDATE eclm.updates SET status = 'quarantined', quarantine_reason = 'module l0.m00: tensor w holds NaN at element 0',
    decided_at = clock_timestamp() WHERE update_id = 3;
SELECT FROM eclm.models WHERE model_id = 1 FOR NO KEY UPDATE;
INSERT INTO eclm.rounds (model_id, number, base_release_id, rule, trainer, started_at)
    VALUES (1, 1, 1, 'importance_mean', 'trainerd@node1', transaction_timestamp());
INSERT INTO eclm.module_versions (model_id, module_id, version, digest, dtype, tensors, bytes, parameters, flops, peak_memory,
        origin, round_id)
    SELECT 1, module_id, 2, pg_temp.put(n.bytes), v.dtype, v.tensors, octet_length(n.bytes), v.parameters, v.flops,
        v.peak_memory, 'round', 1
    FROM (VALUES (3, pg_temp.weights('w', 3.25, -3.25)), (6, pg_temp.weights('w', 6.5, -6.5))) AS n (module_id, bytes)
    JOIN eclm.module_versions v USING (module_id) ORDER BY module_id;
INSERT INTO eclm.requirements (module_version_id, dtypes, operators, minimum_runtime)
    SELECT module_version_id, '{F32}', '{matmul}', '{1,0,0}' FROM eclm.module_versions WHERE round_id = 1;
INSERT INTO eclm.lineage (module_version_id, parent_version_id, weight) VALUES (7, 3, 1), (8, 6, 1);
INSERT INTO eclm.lineage (module_version_id, update_id, weight) VALUES (7, 1, 0.75), (7, 2, 0.25), (8, 2, 1);
INSERT INTO eclm.releases (model_id, number, parent_release_id, origin, round_id) VALUES (1, 2, 1, 'round', 1);
INSERT INTO eclm.release_modules (release_id, model_id, module_id, module_version_id, importance)
    SELECT 2, 1, module_id, CASE module_id WHEN 3 THEN 7 WHEN 6 THEN 8 ELSE module_version_id END, importance
    FROM eclm.release_modules WHERE release_id = 1;
UPDATE eclm.channels SET release_id = 2, action = 'round' WHERE channel_id = 1;
INSERT INTO eclm.round_updates (update_id, model_id, round_id) VALUES (1, 1, 1), (2, 1, 1);
UPDATE eclm.updates SET status = 'aggregated', decided_at = clock_timestamp() WHERE update_id IN (1, 2);
COMMIT;

-- An operator takes module l0.m00 back to version 1: a third release, and version 2 is withdrawn.
BEGIN;
SET LOCAL ROLE eclm_operator;
SET LOCAL eclm.actor = 'alice@ops';
SET LOCAL eclm.reason = 'l0.m00 misses short words';
SELECT FROM eclm.models WHERE model_id = 1 FOR NO KEY UPDATE;
INSERT INTO eclm.releases (model_id, number, parent_release_id, origin) VALUES (1, 3, 2, 'rollback');
INSERT INTO eclm.release_modules (release_id, model_id, module_id, module_version_id, importance)
    SELECT 3, 1, module_id, CASE module_id WHEN 3 THEN 3 ELSE module_version_id END, importance
    FROM eclm.release_modules WHERE release_id = 2;
UPDATE eclm.channels SET release_id = 3, action = 'rollback' WHERE channel_id = 1;
INSERT INTO eclm.withdrawals (module_version_id, rollback_id) VALUES (7, 3);
COMMIT;
