-- Every role but the predefined ones, with its settings for all databases.
-- pg_roles, not pg_authid: an RDS master may not read the latter, and must not.
SELECT r.oid,
       r.rolname::text                            AS name,
       r.rolcanlogin                              AS login,
       r.rolsuper                                 AS superuser,
       r.rolcreatedb                              AS create_database,
       r.rolcreaterole                            AS create_role,
       r.rolreplication                           AS replication,
       r.rolbypassrls                             AS bypass_rls,
       r.rolconnlimit                             AS connection_limit,
       coalesce(r.rolconfig, '{}'::text[])        AS settings
FROM pg_roles r
WHERE r.rolname !~ '^pg_'
ORDER BY r.rolname COLLATE "C"
