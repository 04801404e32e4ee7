-- Every database but template0, which nobody can enter. datconnlimit = -2 marks one whose DROP was interrupted.
SELECT d.oid,
       d.datname::text                       AS name,
       o.rolname::text                       AS owner,
       d.datallowconn                        AS allow_connections,
       d.datconnlimit                        AS connection_limit,
       pg_encoding_to_char(d.encoding)::text AS encoding,
       d.datcollate::text                    AS collation,
       d.datctype::text                      AS character_type
FROM pg_database d
JOIN pg_roles o ON o.oid = d.datdba
WHERE d.datname <> 'template0'
ORDER BY d.datname COLLATE "C"
