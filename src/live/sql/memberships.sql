-- Every membership, a row per grantor. inherit_option and set_option exist from 16 on; before, membership means both
-- (a NOINHERIT member does not inherit, but may SET ROLE). to_jsonb() keeps this one query for all versions.
SELECT g.rolname::text                                                        AS role,
       m.rolname::text                                                        AS member,
       coalesce(b.rolname::text, '')                                          AS grantor,
       a.admin_option                                                         AS admin_option,
       coalesce((to_jsonb(a) ->> 'inherit_option')::bool, m.rolinherit)       AS inherit_option,
       coalesce((to_jsonb(a) ->> 'set_option')::bool, true)                   AS set_option
FROM pg_auth_members a
JOIN pg_roles g ON g.oid = a.roleid
JOIN pg_roles m ON m.oid = a.member
LEFT JOIN pg_roles b ON b.oid = a.grantor
ORDER BY 1, 2, 3
