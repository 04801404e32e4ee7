-- Whose each object is, of every workspace: another workspace's tenants are tenants too.
SELECT workspace, address::text AS address, tenant, object_oid, deletion_policy, password
FROM tenantctl.object
ORDER BY workspace COLLATE "C", address::text COLLATE "C"
