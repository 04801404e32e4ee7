-- What keeps some roles from being dropped, counted by place: inside a database, a database itself, or (no database)
-- something else that all databases share. $1: their names. What a role owns is told apart from what it is granted:
-- default privileges and user mappings are "owned", but end with the role, and nobody's data with them.
-- Only who has the privileges of an object's owner takes back what was granted on it. The owners that Postgres brings
-- along are not in pg_shdepend: the bootstrap superuser, and pg_database_owner, which owns schema public (oid 2200).
SELECT r.rolname::text                       AS role,
       coalesce(d.datname, o.datname)::text  AS database,
       d.oid IS NOT NULL                     AS inside,
       count(DISTINCT (s.classid, s.objid)) FILTER (WHERE NOT x.granted) AS owned,
       count(DISTINCT (s.classid, s.objid)) FILTER (WHERE x.granted)     AS privileges,
       coalesce(array_agg(DISTINCT coalesce(w.rolname, y.owner)::text)
                FILTER (WHERE s.deptype IN ('a', 'i') AND x.granted
                          AND s.classid <> 'pg_auth_members'::regclass), '{}') AS owners
FROM pg_shdepend s
JOIN pg_roles r ON r.oid = s.refobjid
LEFT JOIN pg_database d ON d.oid = s.dbid
LEFT JOIN pg_database o ON s.dbid = 0 AND s.classid = 'pg_database'::regclass AND o.oid = s.objid
LEFT JOIN pg_shdepend p ON p.dbid = s.dbid AND p.classid = s.classid AND p.objid = s.objid
                       AND p.refclassid = 'pg_authid'::regclass AND p.deptype = 'o'
LEFT JOIN pg_roles w ON w.oid = p.refobjid
CROSS JOIN LATERAL (SELECT s.deptype IN ('a', 'i', 'r')
                           OR s.classid IN ('pg_default_acl'::regclass, 'pg_user_mapping'::regclass)) x (granted)
CROSS JOIN LATERAL (SELECT b.rolname FROM pg_roles b
                    WHERE b.oid = CASE WHEN s.classid = 'pg_namespace'::regclass AND s.objid = 2200 THEN d.datdba
                                       ELSE 10 END) y (owner)
WHERE s.refclassid = 'pg_authid'::regclass
  AND r.rolname::text = ANY ($1)
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
