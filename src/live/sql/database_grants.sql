-- Who may do what on which database, a row per ACL item. A NULL ACL is not "nothing": acldefault() says what it
-- stands for, which for PUBLIC is CONNECT and TEMPORARY. Grantee 0 is PUBLIC. What the owner holds is left out.
SELECT d.datname::text                       AS database,
       x.grantee = 0                         AS public,
       g.rolname::text                       AS grantee,
       x.grantor = d.datdba                  AS by_owner,
       b.rolname::text                       AS grantor,
       x.privilege_type                      AS privilege,
       x.is_grantable                        AS grantable
FROM pg_database d
CROSS JOIN LATERAL aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) x
LEFT JOIN pg_roles g ON g.oid = x.grantee
LEFT JOIN pg_roles b ON b.oid = x.grantor
WHERE d.datname <> 'template0'
  AND x.grantee <> d.datdba
ORDER BY 1, 3, 5, 6
