-- Grants on configuration parameters; the catalog exists from Postgres 15 on.
SELECT p.parname::text   AS name,
       x.grantee = 0     AS public,
       g.rolname::text   AS grantee,
       x.privilege_type  AS privilege
FROM pg_parameter_acl p
CROSS JOIN LATERAL aclexplode(p.paracl) x
LEFT JOIN pg_roles g ON g.oid = x.grantee
-- The bootstrap superuser owns all of them.
WHERE x.grantee <> 10
ORDER BY 1, 2, 3, 4
