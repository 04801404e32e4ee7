-- Where we are, and what the admin may do here: one row. $1: the admin, where somebody else reads; NULL for us.
SELECT current_setting('server_version_num')::int4 AS version_num,
       r.rolname::text                             AS admin,
       r.rolsuper                                  AS superuser,
       r.rolcreaterole                             AS create_role,
       r.rolcreatedb                               AS create_database,
       pg_is_in_recovery()                         AS in_recovery
FROM pg_roles r
WHERE r.rolname = coalesce($1::text, current_user::text)
