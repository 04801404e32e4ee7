-- Who we are and where: one row.
SELECT current_setting('server_version_num')::int4 AS version_num,
       current_user::text                          AS admin,
       r.rolsuper                                  AS superuser,
       r.rolcreaterole                             AS create_role,
       r.rolcreatedb                               AS create_database,
       pg_is_in_recovery()                         AS in_recovery
FROM pg_roles r
WHERE r.rolname = current_user
