-- Device classes and devices, measured costs, and the compositions that were answered.

CREATE TABLE eclm.device_classes (
    device_class_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name            eclm.name NOT NULL UNIQUE,
    memory          bigint NOT NULL CHECK (memory > 0),
    flops           bigint NOT NULL CHECK (flops > 0),
    dtypes          text[] NOT NULL,
    operators       text[] NOT NULL,
    runtime         eclm.runtime_version NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE eclm.devices (
    device_id       eclm.device_name PRIMARY KEY,
    device_class_id bigint NOT NULL REFERENCES eclm.device_classes,
    -- SHA-256 of the token the device got when it registered; the token itself is never stored.
    token_digest    eclm.sha256 NOT NULL,
    attributes      jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(attributes) = 'object'),
    registered_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX devices_by_class ON eclm.devices (device_class_id);
CREATE TRIGGER devices_immutable BEFORE DELETE ON eclm.devices FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change();
CREATE TRIGGER devices_keep BEFORE TRUNCATE ON eclm.devices
    FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change();

-- Costs measured on a device class; where there is no row, the version's analytic figures hold.
CREATE TABLE eclm.costs (
    module_version_id bigint NOT NULL REFERENCES eclm.module_versions,
    device_class_id   bigint NOT NULL REFERENCES eclm.device_classes,
    memory            bigint NOT NULL CHECK (memory >= 0),
    flops             bigint NOT NULL CHECK (flops >= 0),
    latency_us        bigint CHECK (latency_us >= 0),
    measured_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    measured_by       text NOT NULL DEFAULT eclm.actor(),
    PRIMARY KEY (module_version_id, device_class_id)
);

CREATE TABLE eclm.compositions (
    composition_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id          text NOT NULL REFERENCES eclm.devices,
    release_id         bigint NOT NULL REFERENCES eclm.releases,
    budget             jsonb NOT NULL,
    module_version_ids bigint[] NOT NULL,
    memory             bigint NOT NULL,
    flops              bigint NOT NULL,
    fetch_bytes        bigint NOT NULL,
    objective          double precision NOT NULL,
    gap                double precision NOT NULL,
    composed_at        timestamptz NOT NULL
);
CREATE INDEX compositions_by_device ON eclm.compositions (device_id, composition_id DESC);
CREATE TRIGGER compositions_immutable BEFORE UPDATE ON eclm.compositions
    FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change();

-- A class and a measured cost change, which the audit tells; they do not vanish.
DO $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['device_classes', 'costs'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE DELETE ON eclm.%I FOR EACH ROW EXECUTE FUNCTION eclm.refuse_change()',
            table_name || '_immutable', table_name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON eclm.%I FOR EACH STATEMENT EXECUTE FUNCTION eclm.refuse_change()',
            table_name || '_keep', table_name);
    END LOOP;
END $$;
