-- Where we are, and what the admin may do here: one row. $1: the admin, where somebody else reads; NULL for us.
SELECT current_setting('server_version_num')::int4 AS version_num,
       r.rolname::text                             AS admin,
       r.rolsuper                                  AS superuser,
       r.rolcreaterole                             AS create_role,
       r.rolcreatedb                               AS create_database,
       pg_is_in_recovery()                         AS in_recovery,
       -- What is left to roles that are no superusers. Who is where is what every role sees of the sessions of others.
       current_setting('max_connections')::int4
           - current_setting('superuser_reserved_connections')::int4
           - coalesce(current_setting('reserved_connections', true)::int4, 0)
           - (SELECT count(*)::int4
              FROM pg_stat_activity
              WHERE usename IS NOT NULL AND datname IS NOT NULL) AS free_connections
FROM pg_roles r
WHERE r.rolname = coalesce($1::text, current_user::text)
