//! What a step changes in the ledger once it is done.

use super::{Run, text};
use crate::address::{Address, TenantId};
use crate::apply::statement::Write;
use crate::live::ledger::CREATE_ACCESS_KEY;
use crate::plan::Record;

/// Adds what a record comes to.
pub(super) fn add(writes: &mut Vec<Write>, run: &Run, tenant: Option<&TenantId>, record: &Record) {
    match record {
        Record::Own { address, tenant } => writes.push(own(run, address, tenant.as_ref())),
        Record::Moved(it) => moved(writes, run, &it.from, &it.to, &it.tenant),
        Record::Forget { address } => writes.push(forget(run, address)),
        Record::DeletionPolicy { address, policy } => writes.push(
            of_object(
                "UPDATE tenantctl.object SET deletion_policy = $3 WHERE workspace = $1 AND address = $2::text::jsonb",
                run,
                address,
            )
            .with(policy.as_str()),
        ),
        Record::Password(it) => writes.push(
            of_object(
                "UPDATE tenantctl.object SET password = $3, recipient = $4
                 WHERE workspace = $1 AND address = $2::text::jsonb",
                run,
                &Address::Role {
                    name: it.role.clone(),
                },
            )
            .with(it.password.as_str())
            .with(it.recipient.as_deref()),
        ),
        Record::KeySuspended(key) => writes.push(
            of_workspace(
                "INSERT INTO tenantctl.access_key (workspace, id, user_name, tenant, state)
                 VALUES ($1, $2, $3, $4, 'suspended') ON CONFLICT (workspace, id) DO NOTHING",
                run,
            )
            .with(&key.id)
            .with(&key.user)
            .with(tenant.map_or("", TenantId::as_str)),
        ),
        Record::KeyForgotten(key) => forget_key(writes, run, &key.user, &key.id),
    }
}

/// A statement about a workspace.
fn of_workspace(sql: &'static str, run: &Run) -> Write {
    Write::new(sql).with(&run.workspace)
}

/// A statement about the row of an object.
fn of_object(sql: &'static str, run: &Run, address: &Address) -> Write {
    of_workspace(sql, run).with(text(address))
}

/// An object is ours.
pub(super) fn own(run: &Run, address: &Address, tenant: Option<&TenantId>) -> Write {
    let (catalog, name) = match address {
        Address::Role { name } => ("role", name.as_str()),
        Address::Database { name } => ("database", name.as_str()),
        _ => ("none", ""),
    };
    // A namesake with another oid starts with nothing remembered.
    of_object(
        "INSERT INTO tenantctl.object (workspace, address, tenant, object_oid, run_id)
         VALUES ($1, $2::text::jsonb, $3,
                 CASE $4 WHEN 'role' THEN (SELECT oid FROM pg_roles WHERE rolname = $5)
                         WHEN 'database' THEN (SELECT oid FROM pg_database WHERE datname = $5) END, $6)
         ON CONFLICT (workspace, address) DO UPDATE
         SET deletion_policy = CASE WHEN object.object_oid = excluded.object_oid THEN object.deletion_policy ELSE 'retain' END,
             password = CASE WHEN object.object_oid = excluded.object_oid THEN object.password ELSE 'unknown' END,
             tenant = excluded.tenant, object_oid = excluded.object_oid, run_id = excluded.run_id, recorded_at = now()",
        run,
        address,
    )
    .with(tenant.map(TenantId::as_str))
    .with(catalog)
    .with(name)
    .with(&run.id)
}

/// An object is ours no longer.
pub(super) fn forget(run: &Run, address: &Address) -> Write {
    of_object(
        "DELETE FROM tenantctl.object WHERE workspace = $1 AND address = $2::text::jsonb",
        run,
        address,
    )
}

/// The key is gone or its holder's own again. If a crash had left it in question, that is answered too: a question left
/// open would take the next key somebody makes by hand for ours.
fn forget_key(writes: &mut Vec<Write>, run: &Run, user: &str, id: &str) {
    writes.push(
        of_workspace(
            "DELETE FROM tenantctl.access_key WHERE workspace = $1 AND id = $2",
            run,
        )
        .with(id),
    );
    writes.push(
        of_workspace(
            "UPDATE tenantctl.step SET finished_at = now(), outcome = 'its secret was lost; the key is deleted'
             WHERE workspace = $1 AND command = $2 AND address ->> 'user' = $3 AND finished_at IS NULL AND run_id <> $4",
            run,
        )
        .with(CREATE_ACCESS_KEY)
        .with(user)
        .with(&run.id),
    );
}

/// The row follows its object, and so does what belongs to it: settings and grants of a role, keys of a user, and the
/// question that a crash left about one. A row that some namesake left under the new name goes.
fn moved(writes: &mut Vec<Write>, run: &Run, from: &Address, to: &Address, tenant: &TenantId) {
    let (was, is) = (text(from), text(to));
    if from != to {
        writes.push(
            of_object(
                "DELETE FROM tenantctl.object o WHERE workspace = $1 AND address = $3::text::jsonb
                 AND EXISTS (SELECT FROM tenantctl.object f WHERE f.workspace = $1 AND f.address = $2::text::jsonb)",
                run,
                from,
            )
            .with(&is),
        );
    }
    let of_tenant = |sql, was: &str, is: &str| {
        let names = of_workspace(sql, run).with(was).with(is);
        names.with(tenant.as_str())
    };
    writes.push(of_tenant(
        "UPDATE tenantctl.object SET address = $3::text::jsonb, tenant = $4
         WHERE workspace = $1 AND address IN ($2::text::jsonb, $3::text::jsonb)",
        &was,
        &is,
    ));
    let follow: &[&'static str] = match to {
        Address::Role { .. } => &[
            "UPDATE tenantctl.object SET address = jsonb_set(address, '{role}', to_jsonb($3)), tenant = $4
             WHERE workspace = $1 AND address ->> 'kind' = 'role_setting' AND address ->> 'role' IN ($2, $3)",
            "UPDATE tenantctl.object SET address = jsonb_set(address, '{grantee,role}', to_jsonb($3)),
                    tenant = CASE WHEN tenant IS NOT NULL THEN $4 END
             WHERE workspace = $1 AND address #>> '{grantee,role}' IN ($2, $3)",
        ],
        Address::IamUser { .. } => &[
            "UPDATE tenantctl.access_key SET user_name = $3, tenant = $4 WHERE workspace = $1 AND user_name IN ($2, $3)",
            "UPDATE tenantctl.step SET address = jsonb_set(address, '{user}', to_jsonb($3)), tenant = $4
             WHERE workspace = $1 AND finished_at IS NULL AND address ->> 'kind' = 'iam_access_key'
               AND address ->> 'user' IN ($2, $3)",
            "UPDATE tenantctl.step SET finished_at = now(), outcome = 'done, as a later run found', tenant = $4
             WHERE workspace = $1 AND finished_at IS NULL AND command = 'rename_user'
               AND address ->> 'name' IN ($2, $3)",
        ],
        _ => &[],
    };
    for sql in follow {
        writes.push(of_tenant(sql, &from.name(), &to.name()));
    }
}
