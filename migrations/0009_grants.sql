-- Least privilege: a reader reads; each other role is a reader that may write what its work writes, and no more.

GRANT USAGE ON SCHEMA eclm TO eclm_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA eclm TO eclm_reader;
REVOKE SELECT ON eclm.devices FROM eclm_reader;
GRANT SELECT (device_id, device_class_id, attributes, registered_at) ON eclm.devices TO eclm_reader;
REVOKE SELECT ON eclm.blob_uploads FROM eclm_reader;
GRANT eclm_reader TO eclm_device, eclm_publisher, eclm_trainer, eclm_operator;

-- The registry on behalf of devices: registration, compositions, uploads, updates.
GRANT SELECT, INSERT ON eclm.devices TO eclm_device;
GRANT UPDATE (device_class_id, attributes) ON eclm.devices TO eclm_device;
GRANT INSERT ON eclm.compositions, eclm.updates, eclm.update_modules TO eclm_device;

-- Whoever brings bytes. Deleting reaches unsealed chunks only: a trigger guards the rest.
GRANT SELECT, INSERT, UPDATE, DELETE ON eclm.blob_uploads TO eclm_device, eclm_publisher;
GRANT INSERT, DELETE ON eclm.blob_chunks TO eclm_device, eclm_publisher, eclm_trainer;
GRANT INSERT ON eclm.blobs TO eclm_device, eclm_publisher, eclm_trainer;
-- Also what SELECT ... FOR KEY SHARE asks for, which keeps a blob from being collected until the transaction's end.
GRANT UPDATE (wanted_at) ON eclm.blobs TO eclm_device, eclm_publisher, eclm_trainer;
GRANT USAGE ON SEQUENCE eclm.blob_storage_ids TO eclm_device, eclm_publisher, eclm_trainer;

GRANT INSERT ON eclm.models, eclm.module_layers, eclm.modules TO eclm_publisher;
GRANT INSERT ON eclm.module_versions, eclm.requirements, eclm.releases, eclm.release_modules, eclm.channels
    TO eclm_publisher, eclm_trainer;
GRANT UPDATE (release_id, action) ON eclm.channels TO eclm_publisher, eclm_trainer, eclm_operator;
-- SELECT ... FOR NO KEY UPDATE on a model, which numbers versions and releases one at a time, asks for UPDATE on a column;
-- the rows themselves stay immutable by trigger.
GRANT UPDATE (summary) ON eclm.models TO eclm_publisher, eclm_trainer, eclm_operator;
GRANT INSERT ON eclm.costs TO eclm_publisher, eclm_trainer, eclm_operator;
GRANT UPDATE (memory, flops, latency_us, measured_at, measured_by) ON eclm.costs TO eclm_publisher, eclm_operator;

GRANT INSERT ON eclm.rounds, eclm.round_updates, eclm.lineage TO eclm_trainer;
GRANT UPDATE (status, quarantine_reason, decided_at) ON eclm.updates TO eclm_trainer, eclm_operator;

GRANT INSERT ON eclm.releases, eclm.release_modules, eclm.channels, eclm.withdrawals, eclm.device_classes TO eclm_operator;
GRANT UPDATE (reinstated_by, reinstated_at) ON eclm.withdrawals TO eclm_operator;
GRANT UPDATE (memory, flops, dtypes, operators, runtime, updated_at) ON eclm.device_classes TO eclm_operator;
