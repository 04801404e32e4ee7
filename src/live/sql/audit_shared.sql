-- What an audit has to know of the shared catalogs besides what a plan reads: which databases may be copied, what roles
-- own or were granted inside databases (pg_shdepend knows without opening them), and subscriptions. Databases'
-- ACLs, default privileges and initial privileges are told elsewhere.
SELECT 'template'::text                      AS what,
       d.datname::text                       AS database,
       d.datname::text                       AS name,
       ''::text                              AS catalog,
       false                                 AS owns,
       1::bigint                             AS objects
FROM pg_database d
WHERE d.datistemplate
  AND d.datname NOT IN ('template0', 'template1')
UNION ALL
SELECT 'dependency', d.datname::text, r.rolname::text, c.relname::text, s.deptype = 'o', count(*)
FROM pg_shdepend s
JOIN pg_database d ON d.oid = s.dbid
JOIN pg_roles r ON r.oid = s.refobjid
JOIN pg_class c ON c.oid = s.classid
WHERE s.refclassid = 'pg_authid'::regclass
  AND s.deptype IN ('o', 'a')
  AND r.rolname !~ '^pg_'
  AND c.relname <> 'pg_default_acl'
GROUP BY 2, 3, 4, 5
UNION ALL
SELECT 'subscription', d.datname::text, s.subname::text, r.rolname::text, false, 1
FROM pg_subscription s
JOIN pg_database d ON d.oid = s.subdbid
JOIN pg_roles r ON r.oid = s.subowner
ORDER BY 1, 2, 3, 4, 5
