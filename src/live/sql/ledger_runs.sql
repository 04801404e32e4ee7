-- The latest runs of a workspace, or those that touched one tenant ($2). What the first version of the ledger did not
-- have is taken through jsonb, which knows of no missing column. Seconds suffice; they are shown in UTC.
SELECT r.id, r.actor, r.tool_version,
       to_char(r.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS started_at,
       to_char(r.finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS finished_at,
       (to_jsonb(r) -> 'summary')::text AS summary,
       (to_jsonb(r) ->> 'steps')::integer AS planned,
       s.done, s.failed, s.tenants
FROM tenantctl.run r
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE s.outcome LIKE 'done%') AS done,
           count(*) FILTER (WHERE s.outcome IS NOT NULL AND s.outcome NOT LIKE 'done%') AS failed,
           count(DISTINCT s.tenant) AS tenants
    FROM tenantctl.step s
    WHERE s.run_id = r.id
) s
WHERE r.workspace = $1
  AND ($2::text IS NULL OR EXISTS (SELECT FROM tenantctl.step s WHERE s.run_id = r.id AND s.tenant = $2))
ORDER BY r.started_at DESC, r.id
LIMIT $3
