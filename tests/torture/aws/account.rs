//! What other people do to the account, and what it has no room for.

use std::time::{Duration, Instant};

use serde_json::Value;
use tenantctl_testbed::{Behaviour, Fault};

use super::small_world::{ALL, HERE, SmallWorld, fair, role};
use crate::site::{Run, changes};
use crate::state_of;
use crate::trials::Trials;

const ELSEWHERE: &str = "203.0.113.0/24";

/// Exactly this tenant failed, its error says all of this, and the others are done.
#[track_caller]
fn only_one_failed(run: &Run, tenant: &str, says: &[&str]) {
    assert_eq!(run.code, 1, "{run}");
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let results = report["results"].as_array().unwrap();
    let undone = results.iter().filter(|result| result["outcome"] != "done");
    let undone: Vec<_> = undone.collect();
    assert!(
        !undone.is_empty() && undone.iter().all(|result| result["tenant"] == tenant),
        "{run}"
    );
    let errors: String = undone.iter().map(|result| result["error"].to_string()).collect();
    for word in says {
        assert!(errors.contains(word), "no {word:?} in {errors}");
    }
}

fn apply_json(world: &SmallWorld) -> Run {
    world.site.run(&["apply", "--auto-approve", "--json"])
}

/// The trust policy that named the old user names nobody, whatever the new one is called.
pub fn a_user_that_came_back(trials: &mut Trials) {
    for comes_back in [true, false] {
        let major = trials.major;
        trials.trial(format!("by hand: {comes_back}"), || {
            let world = SmallWorld::start(major);
            world.settle(&ALL[..2], &[HERE]);
            let user = [("UserName", "client01")];
            for (id, _) in state_of::keys(&world.site, "client01") {
                world.by_hand("DeleteAccessKey", &[user[0], ("AccessKeyId", &id)]);
            }
            world.by_hand("DeleteUserPolicy", &[user[0], ("PolicyName", "assume-role")]);
            world.by_hand("DeleteUser", &user);
            if comes_back {
                let tags = [
                    user[0],
                    ("Tags.member.1.Key", "tenantctl:workspace"),
                    ("Tags.member.1.Value", "default"),
                    ("Tags.member.2.Key", "tenantctl:tenant"),
                    ("Tags.member.2.Value", "client01"),
                ];
                world.by_hand("CreateUser", &tags);
            }
            let role_name = role("client01");
            let trust = world.by_hand("GetRole", &[("RoleName", role_name.as_str())]);
            assert!(
                trust.contains("AIDA") && !trust.contains("user/client01"),
                "{trust}"
            );
            let planned = changes(&world.site.plan_json());
            let update = format!("iam_role.{role_name} update");
            assert!(planned.contains(&update), "{planned:?}");
            world.site.apply().ok();
            world.check(&ALL[..2], &[HERE]);
        });
    }
}

/// A console password is nothing that a plan sees; AWS refuses the deletion, and the error names what is in the way.
pub fn delete_conflict(trials: &mut Trials) {
    // What this run took off the user itself is waited for, so that a refusal right after it is slow to be believed.
    for at_once in trials.sample(vec![false, true], 1) {
        let major = trials.major;
        trials.trial(format!("a console password, at once: {at_once}"), || {
            console_password(major, at_once);
        });
    }
}

fn console_password(major: u16, at_once: bool) {
    let world = SmallWorld::start(major);
    world.settle(&ALL, &[HERE]);
    let password = [("UserName", "client03"), ("Password", "not-a-Secret-1")];
    world.by_hand("CreateLoginProfile", &password);
    world.ask(&ALL[..2], &[HERE, ELSEWHERE]);
    if !at_once {
        world.site.world.proxy.inject(Fault::Error {
            action: "DeleteUser".into(),
            code: "AccessDenied".into(),
            message: "not now".into(),
            status: 403,
            times: 1,
        });
        only_one_failed(&apply_json(&world), "client03", &["AccessDenied"]);
    }
    let says = ["iam:DeleteUser client03", "DeleteConflict", "a console password"];
    only_one_failed(&apply_json(&world), "client03", &says);
    assert!(
        state_of::keys(&world.site, "client03").is_empty(),
        "its access is gone"
    );
    world.by_hand("DeleteLoginProfile", &password[..1]);
    world.site.apply().ok();
    world.check(&ALL[..2], &[HERE, ELSEWHERE]);
}

/// What AWS has no room for fails one tenant, by an error that says what to do.
pub fn full(trials: &mut Trials) {
    let major = trials.major;
    trials.trial("inline policies of a user", || full_user(major));
    trials.trial("roles of the account", || full_account(major));
    trials.trial("roles of the account, known by the plan", || foreseen(major));
}

fn full_user(major: u16) {
    let world = SmallWorld::start(major);
    world.settle(&ALL, &[HERE]);
    let own = [("UserName", "client02"), ("PolicyName", "assume-role")];
    world.by_hand("DeleteUserPolicy", &own);
    let large = format!(
        "{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Deny\",\"Action\":\"s3:*\",\"Resource\":\
             \"arn:aws:s3:::{}\"}}]}}",
        "x".repeat(1_850)
    );
    let foreign = [
        own[0],
        ("PolicyName", "theirs"),
        ("PolicyDocument", large.as_str()),
    ];
    world.by_hand("PutUserPolicy", &foreign);
    world.ask(&ALL, &[HERE, ELSEWHERE]);
    let says = [
        "iam:PutUserPolicy client02",
        "LimitExceeded",
        "Maximum policy size of 2048 bytes",
        "managed policies",
    ];
    only_one_failed(&apply_json(&world), "client02", &says);
    world.by_hand("DeleteUserPolicy", &foreign[..2]);
    world.site.apply().ok();
    world.check(&ALL, &[HERE, ELSEWHERE]);
}

/// Somebody else takes the room between plan and apply; here, the plan may not look.
fn full_account(major: u16) {
    let world = SmallWorld::start(major);
    world.settle(&ALL[..1], &[HERE]);
    world.site.world.proxy.inject(Fault::Error {
        action: "GetAccountSummary".into(),
        code: "AccessDenied".into(),
        message: "not authorized".into(),
        status: 403,
        times: usize::MAX,
    });
    world.site.world.proxy.behave(Behaviour {
        roles: Some(2),
        ..fair()
    });
    world.ask(&ALL, &[HERE]);
    let run = apply_json(&world);
    assert!(run.stderr.contains("iam:GetAccountSummary"), "{run}");
    let late = if state_of::exists(&world.site, "Role", &role("client02")) {
        "client03"
    } else {
        "client02"
    };
    let says = [
        "iam:CreateRole",
        "LimitExceeded",
        "RolesPerAccount: 2",
        "Service Quotas",
    ];
    only_one_failed(&run, late, &says);
    world.site.world.proxy.heal();
    world.site.world.proxy.behave(fair());
    world.site.apply().ok();
    world.check(&ALL, &[HERE]);
}

fn foreseen(major: u16) {
    let world = SmallWorld::start(major);
    world.settle(&ALL[..1], &[HERE]);
    let before = state_of::iam(&world.site);
    world.site.world.proxy.behave(Behaviour {
        roles: Some(2),
        ..fair()
    });
    world.ask(&ALL, &[HERE]);
    let refusal = world.site.apply().refused();
    assert!(refusal.contains("2 IAM roles would be made"), "{refusal}");
    assert!(
        refusal.contains("room for 1") && refusal.contains("L-FE177D64"),
        "{refusal}"
    );
    assert_eq!(state_of::iam(&world.site), before, "nothing was made");
    world
        .site
        .run(&["apply", "--auto-approve", "--tenant", "client02"])
        .ok();
    world.site.world.proxy.behave(fair());
    world.site.apply().ok();
    world.site.world.proxy.reset_counts();
    world.check(&ALL, &[HERE]);
    let calls = world.site.world.proxy.counts();
    assert!(
        !calls.contains_key("GetAccountSummary"),
        "nothing is made: {calls:?}"
    );
}

/// Patience is for what is new. Who was there for long and is no principal is gone, and that is said at once.
pub fn unknown_principal(trials: &mut Trials) {
    let major = trials.major;
    trials.trial("of an old user", || {
        let world = SmallWorld::start(major);
        world.settle(&ALL, &[HERE]);
        let proxy = &world.site.world.proxy;
        proxy.behave(Behaviour {
            everything_is_old: true,
            ..fair()
        });
        world.ask(&ALL, &[HERE, ELSEWHERE]);
        // Once: to ask again would find the principal, and take a pause at least.
        proxy.inject(Fault::Error {
            action: "UpdateAssumeRolePolicy".into(),
            code: "MalformedPolicyDocument".into(),
            message: "Invalid principal in policy: \"AWS\":\"arn:aws:iam::123456789012:user/client0x\""
                .into(),
            status: 400,
            times: 1,
        });
        let begun = Instant::now();
        let run = apply_json(&world);
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        let results = report["results"].as_array().unwrap();
        let failed = results
            .iter()
            .find(|result| result["outcome"] == "failed")
            .unwrap();
        let tenant = failed["tenant"].as_str().unwrap().to_owned();
        let says = [
            "iam:UpdateAssumeRolePolicy rds_cluster_client",
            "MalformedPolicyDocument",
            "user/client0x",
            "Plan again",
        ];
        only_one_failed(&run, &tenant, &says);
        proxy.behave(fair());
        world.site.apply().ok();
        world.check(&ALL, &[HERE, ELSEWHERE]);
    });
}
