-- What an audit has to know of one database: a row per thing or ACL item, in one result. Nothing of Postgres itself, of
-- the ledger, or (for functions) of an extension is in it.
SELECT 'schema'::text                AS what,
       n.nspname::text               AS name,
       o.rolname::text               AS owner,
       x.grantee = 0                 AS public,
       g.rolname::text               AS grantee,
       x.privilege_type              AS privilege,
       x.is_grantable                AS grantable,
       ''::text                      AS detail
FROM pg_namespace n
JOIN pg_roles o ON o.oid = n.nspowner
CROSS JOIN LATERAL aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) x
LEFT JOIN pg_roles g ON g.oid = x.grantee
WHERE x.grantee <> n.nspowner
  AND n.nspname !~ '^pg_(toast|temp|toast_temp)'
  AND n.nspname <> 'tenantctl'
  -- Everybody may look into the system's own schemas.
  AND (n.nspname NOT IN ('pg_catalog', 'information_schema') OR x.privilege_type = 'CREATE')
UNION ALL
SELECT 'definer_function', p.oid::regprocedure::text, o.rolname::text,
       EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x WHERE x.grantee = 0),
       NULL, '', false,
       coalesce((SELECT substr(s, length('search_path=') + 1) FROM unnest(p.proconfig) s WHERE s LIKE 'search\_path=%'), '')
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_roles o ON o.oid = p.proowner
WHERE p.prosecdef
  AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
UNION ALL
SELECT 'untrusted_language', l.lanname::text, o.rolname::text, false, NULL, '', false, ''
FROM pg_language l
JOIN pg_roles o ON o.oid = l.lanowner
WHERE NOT l.lanpltrusted
  AND l.lanname NOT IN ('internal', 'c')
UNION ALL
SELECT 'extension', e.extname::text, o.rolname::text, false, NULL, '', false, n.nspname::text
FROM pg_extension e
JOIN pg_roles o ON o.oid = e.extowner
JOIN pg_namespace n ON n.oid = e.extnamespace
UNION ALL
SELECT 'server', s.srvname::text, o.rolname::text, false, NULL, '', false, w.fdwname::text
FROM pg_foreign_server s
JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
JOIN pg_roles o ON o.oid = s.srvowner
UNION ALL
SELECT 'server_grant', s.srvname::text, o.rolname::text, x.grantee = 0, g.rolname::text, x.privilege_type, x.is_grantable, ''
FROM pg_foreign_server s
JOIN pg_roles o ON o.oid = s.srvowner
CROSS JOIN LATERAL aclexplode(coalesce(s.srvacl, acldefault('S', s.srvowner))) x
LEFT JOIN pg_roles g ON g.oid = x.grantee
WHERE x.grantee <> s.srvowner
UNION ALL
SELECT 'wrapper_grant', w.fdwname::text, o.rolname::text, x.grantee = 0, g.rolname::text, x.privilege_type, x.is_grantable, ''
FROM pg_foreign_data_wrapper w
JOIN pg_roles o ON o.oid = w.fdwowner
CROSS JOIN LATERAL aclexplode(coalesce(w.fdwacl, acldefault('F', w.fdwowner))) x
LEFT JOIN pg_roles g ON g.oid = x.grantee
WHERE x.grantee <> w.fdwowner
UNION ALL
-- The view, because pg_user_mapping is closed to everybody but superusers.
SELECT 'user_mapping', m.srvname::text, '', m.umuser = 0, CASE WHEN m.umuser <> 0 THEN m.usename::text END, '', false, ''
FROM pg_user_mappings m
UNION ALL
-- Without schema, an entry repeats what everybody has anyway: EXECUTE on functions and USAGE of types.
SELECT 'default_grant', coalesce(n.nspname::text, ''), o.rolname::text, x.grantee = 0, g.rolname::text, x.privilege_type,
       x.is_grantable, CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions'
                                            WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas' ELSE 'large objects' END
FROM pg_default_acl d
JOIN pg_roles o ON o.oid = d.defaclrole
LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
CROSS JOIN LATERAL aclexplode(d.defaclacl) x
LEFT JOIN pg_roles g ON g.oid = x.grantee
WHERE x.grantee <> d.defaclrole
  AND NOT (d.defaclnamespace = 0 AND x.grantee = 0 AND d.defaclobjtype IN ('f', 'T'))
UNION ALL
SELECT 'event_trigger', e.evtname::text, o.rolname::text, false, NULL, '', false, e.evtevent::text
FROM pg_event_trigger e
JOIN pg_proc p ON p.oid = e.evtfoid
JOIN pg_roles o ON o.oid = p.proowner
WHERE e.evtenabled <> 'D'
ORDER BY 1, 2, 4, 5, 6
