-- Models, their layers and modules, the blobs, and the immutable module versions.

CREATE TABLE eclm.models (
    model_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       eclm.name NOT NULL UNIQUE,
    summary    text NOT NULL DEFAULT '' CHECK (length(summary) <= 4096),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by text NOT NULL DEFAULT eclm.actor()
);

CREATE TABLE eclm.module_layers (
    model_id        bigint NOT NULL REFERENCES eclm.models,
    layer           integer NOT NULL CHECK (layer BETWEEN 0 AND 255),
    name            text NOT NULL CHECK (length(name) BETWEEN 1 AND 256),
    block           text NOT NULL CHECK (length(block) BETWEEN 1 AND 64),
    PRIMARY KEY (model_id, layer)
);

CREATE TABLE eclm.modules (
    module_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model_id  bigint NOT NULL REFERENCES eclm.models,
    kind      eclm.module_kind NOT NULL,
    layer     integer,
    index     integer NOT NULL CHECK (index BETWEEN 0 AND 16383),
    name      eclm.name NOT NULL,
    UNIQUE (model_id, name),
    UNIQUE (model_id, module_id),
    FOREIGN KEY (model_id, layer) REFERENCES eclm.module_layers,
    CHECK ((kind IN ('expert', 'bypass')) = (layer IS NOT NULL))
);
CREATE UNIQUE INDEX modules_of_layer ON eclm.modules (model_id, layer, index) WHERE layer IS NOT NULL;
CREATE UNIQUE INDEX modules_shared ON eclm.modules (model_id, kind, index) WHERE layer IS NULL;

-- Content-addressed bytes. A blob row seals its chunks: they are written first, under a storage_id of their own, and
-- what has no blob row is invisible.
CREATE SEQUENCE eclm.blob_storage_ids AS bigint;

CREATE TABLE eclm.blobs (
    digest     eclm.sha256 PRIMARY KEY,
    size       bigint NOT NULL CHECK (size >= 0),
    store      text NOT NULL DEFAULT 'postgresql' CHECK (store ~ '^[a-z0-9_-]{1,32}$'),
    storage_id bigint NOT NULL UNIQUE DEFAULT nextval('eclm.blob_storage_ids'),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- When somebody last brought the bytes and was told that they are here: until a grace period later, garbage
    -- collection leaves a blob alone that nothing refers to yet.
    wanted_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (digest, size)
);

CREATE TABLE eclm.blob_chunks (
    storage_id bigint NOT NULL,
    number     integer NOT NULL CHECK (number >= 0),
    data       bytea NOT NULL CHECK (octet_length(data) BETWEEN 1 AND 1048576),
    PRIMARY KEY (storage_id, number)
);
-- Weights do not compress, and an uncompressed external value can be read by the slice.
ALTER TABLE eclm.blob_chunks ALTER COLUMN data SET STORAGE EXTERNAL;

CREATE TABLE eclm.blob_uploads (
    upload_id  uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    storage_id bigint NOT NULL UNIQUE DEFAULT nextval('eclm.blob_storage_ids'),
    digest     eclm.sha256 NOT NULL,
    size       bigint NOT NULL CHECK (size > 0),
    received   bigint NOT NULL DEFAULT 0 CHECK (received BETWEEN 0 AND size),
    uploader   text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (uploader, digest)
);
CREATE INDEX blob_uploads_by_age ON eclm.blob_uploads (updated_at);

CREATE FUNCTION eclm.check_blob_chunk() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM eclm.blobs WHERE storage_id = coalesce(NEW.storage_id, OLD.storage_id)) THEN
        RAISE EXCEPTION 'the chunks of a sealed blob are immutable: % refused', TG_OP USING ERRCODE = 'EC001';
    END IF;
    RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER blob_chunks_sealed BEFORE INSERT OR UPDATE OR DELETE ON eclm.blob_chunks
    FOR EACH ROW EXECUTE FUNCTION eclm.check_blob_chunk();

CREATE FUNCTION eclm.check_blob() RETURNS trigger
    LANGUAGE plpgsql AS $$
DECLARE
    total bigint;
    chunks bigint;
    highest integer;
BEGIN
    IF NEW.store <> 'postgresql' THEN
        RETURN NEW;
    END IF;
    SELECT coalesce(sum(octet_length(data)), 0), count(*), coalesce(max(number), -1)
        INTO total, chunks, highest FROM eclm.blob_chunks WHERE storage_id = NEW.storage_id;
    IF total <> NEW.size OR chunks <> highest + 1 THEN
        RAISE EXCEPTION 'blob sha256:% has % of % bytes in % chunks: it cannot be sealed',
            encode(NEW.digest, 'hex'), total, NEW.size, chunks USING ERRCODE = 'EC002';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER blobs_whole BEFORE INSERT ON eclm.blobs FOR EACH ROW EXECUTE FUNCTION eclm.check_blob();
CREATE TRIGGER blobs_immutable BEFORE UPDATE OF digest, size, store, storage_id, created_at ON eclm.blobs
    FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change();
CREATE TRIGGER blobs_keep BEFORE TRUNCATE ON eclm.blobs
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change();
CREATE TRIGGER blob_chunks_keep BEFORE TRUNCATE ON eclm.blob_chunks
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change();

CREATE TABLE eclm.module_versions (
    module_version_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model_id          bigint NOT NULL,
    module_id         bigint NOT NULL,
    version           integer NOT NULL CHECK (version >= 1),
    digest            eclm.sha256 NOT NULL,
    dtype             text NOT NULL,
    tensors           jsonb NOT NULL CHECK (jsonb_typeof(tensors) = 'array'),
    bytes             bigint NOT NULL,
    parameters        bigint NOT NULL CHECK (parameters >= 0),
    flops             bigint NOT NULL CHECK (flops >= 0),
    peak_memory       bigint NOT NULL CHECK (peak_memory >= 0),
    origin            eclm.origin NOT NULL CHECK (origin IN ('publish', 'round')),
    round_id          bigint,
    created_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by        text NOT NULL DEFAULT eclm.actor(),
    UNIQUE (module_id, version),
    UNIQUE (module_id, module_version_id),
    FOREIGN KEY (model_id, module_id) REFERENCES eclm.modules (model_id, module_id),
    FOREIGN KEY (digest, bytes) REFERENCES eclm.blobs (digest, size),
    CHECK ((origin = 'round') = (round_id IS NOT NULL))
);
CREATE INDEX module_versions_by_digest ON eclm.module_versions (digest);
CREATE INDEX module_versions_by_round ON eclm.module_versions (round_id) WHERE round_id IS NOT NULL;

-- What a device needs to run a version: the version's device-compatibility metadata.
CREATE TABLE eclm.requirements (
    module_version_id bigint PRIMARY KEY REFERENCES eclm.module_versions,
    dtypes            text[] NOT NULL DEFAULT '{}',
    operators         text[] NOT NULL DEFAULT '{}',
    minimum_runtime   eclm.runtime_version NOT NULL DEFAULT '{0,0,0}'
);

DO $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['models', 'module_layers', 'modules', 'module_versions', 'requirements'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON eclm.%I FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change()',
            table_name || '_immutable', table_name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON eclm.%I FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change()',
            table_name || '_keep', table_name);
    END LOOP;
END $$;
