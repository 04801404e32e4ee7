-- What `history` shows of a run: what it was about to do, and what became of each object. Rows of before stay without.
ALTER TABLE tenantctl.run
    ADD COLUMN summary jsonb,
    ADD COLUMN steps   integer;
ALTER TABLE tenantctl.step
    ADD COLUMN action text;

CREATE INDEX run_started ON tenantctl.run (workspace, started_at);

INSERT INTO tenantctl.version (version) VALUES (2);
