-- Who else may look into the ledger: USAGE and CREATE of the schema, and SELECT for whoever holds it on every table.
SELECT g.rolname::text         AS grantee,
       false                   AS public,
       x.privilege_type        AS privilege,
       x.grantor = n.nspowner  AS by_owner,
       b.rolname::text         AS grantor,
       x.is_grantable          AS grantable
FROM pg_namespace n
CROSS JOIN LATERAL aclexplode(n.nspacl) x
JOIN pg_roles g ON g.oid = x.grantee
LEFT JOIN pg_roles b ON b.oid = x.grantor
WHERE n.nspname = 'tenantctl'
  AND x.grantee <> n.nspowner
UNION ALL
SELECT g.rolname::text, false, 'SELECT', true, NULL, false
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL aclexplode(c.relacl) x
JOIN pg_roles g ON g.oid = x.grantee
WHERE n.nspname = 'tenantctl'
  AND c.relkind = 'r'
  AND x.grantee <> c.relowner
  AND x.privilege_type = 'SELECT'
GROUP BY g.rolname
HAVING count(DISTINCT c.oid) = (SELECT count(*) FROM pg_class t JOIN pg_namespace s ON s.oid = t.relnamespace
                                WHERE s.nspname = 'tenantctl' AND t.relkind = 'r')
ORDER BY 1, 3
