-- Whether the ledger is there, at which version, and whose it is: somebody else's schema of that name is no ledger.
SELECT o.rolname::text AS owner,
       to_regclass('tenantctl.version') IS NOT NULL AS complete
FROM pg_namespace n
JOIN pg_roles o ON o.oid = n.nspowner
WHERE n.nspname = 'tenantctl'
