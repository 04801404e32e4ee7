-- The ledger: what tenantctl remembers. It holds no secret.
CREATE SCHEMA tenantctl;
REVOKE ALL ON SCHEMA tenantctl FROM PUBLIC;

CREATE TABLE tenantctl.version (
    version    integer     PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- Which objects are ours, and for whom. A role or database is ours only while its oid is the recorded one: a namesake
-- made by somebody else is not.
CREATE TABLE tenantctl.object (
    workspace       text        NOT NULL,
    address         jsonb       NOT NULL,
    tenant          text,
    object_oid      oid,
    deletion_policy text        NOT NULL DEFAULT 'retain',
    password        text        NOT NULL DEFAULT 'unknown',
    recipient       text,
    run_id          text        NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace, address)
);

-- Access keys: handed_over (ours, its holder has the secret) or suspended (found there and switched off by us).
CREATE TABLE tenantctl.access_key (
    workspace   text        NOT NULL,
    id          text        NOT NULL,
    user_name   text        NOT NULL,
    tenant      text        NOT NULL,
    state       text        NOT NULL,
    recipient   text,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace, id)
);

CREATE TABLE tenantctl.run (
    id           text        PRIMARY KEY,
    workspace    text        NOT NULL,
    actor        text        NOT NULL,
    tool_version text        NOT NULL,
    plan         text        NOT NULL,
    started_at   timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz
);

-- One row per step. Written with the step where it runs in this database; before and after it elsewhere.
CREATE TABLE tenantctl.step (
    run_id      text        NOT NULL REFERENCES tenantctl.run,
    step        integer     NOT NULL,
    workspace   text        NOT NULL,
    address     jsonb       NOT NULL,
    tenant      text,
    command     text        NOT NULL,
    detail      jsonb       NOT NULL DEFAULT '{}',
    begun_at    timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    outcome     text,
    PRIMARY KEY (run_id, step)
);
CREATE INDEX step_open ON tenantctl.step (begun_at) WHERE finished_at IS NULL;

INSERT INTO tenantctl.version (version) VALUES (1);
