-- What is in one database: the public schema, who may use it, and the extensions. One result, one round trip.
SELECT 'schema'::text AS what,
       n.nspname::text AS name,
       false           AS public,
       NULL::text      AS grantee,
       true            AS by_owner,
       o.rolname::text AS grantor,
       NULL::text      AS privilege,
       false           AS grantable
FROM pg_namespace n
LEFT JOIN pg_roles o ON o.oid = n.nspowner
WHERE n.nspname = 'public'
UNION ALL
SELECT 'grant', n.nspname::text, x.grantee = 0, g.rolname::text, x.grantor = n.nspowner, b.rolname::text,
       x.privilege_type, x.is_grantable
FROM pg_namespace n
CROSS JOIN LATERAL aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) x
LEFT JOIN pg_roles g ON g.oid = x.grantee
LEFT JOIN pg_roles b ON b.oid = x.grantor
WHERE n.nspname = 'public'
  AND x.grantee <> n.nspowner
UNION ALL
SELECT 'extension', e.extname::text, false, NULL, true, NULL, NULL, false
FROM pg_extension e
ORDER BY 1, 2, 4, 6, 7
