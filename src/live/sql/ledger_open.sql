-- Steps that were begun and whose end nobody wrote down: questions that a crash left.
SELECT s.run_id, s.step, s.workspace, s.address::text AS address, s.tenant, s.command, s.detail::text AS detail
FROM tenantctl.step s
WHERE s.finished_at IS NULL
ORDER BY s.begun_at, s.run_id, s.step
