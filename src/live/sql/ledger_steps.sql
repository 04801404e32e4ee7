-- The steps of some runs ($1), all of them or those of one tenant ($2), in the order of the plan.
SELECT s.run_id, s.address::text AS address, s.tenant, to_jsonb(s) ->> 'action' AS action, s.outcome
FROM tenantctl.step s
WHERE s.run_id = ANY ($1) AND ($2::text IS NULL OR s.tenant = $2)
ORDER BY s.run_id, s.step
