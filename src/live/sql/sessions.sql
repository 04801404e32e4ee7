-- Who is in which database now. Only names: the queries of others are none of our business.
SELECT s.usename::text AS role,
       s.datname::text AS database,
       count(*)        AS sessions
FROM pg_stat_activity s
WHERE s.usename IS NOT NULL
  AND s.datname IS NOT NULL
GROUP BY 1, 2
ORDER BY 1, 2
