//! The commands themselves: the proof after an apply, `why`, SARIF, and exit codes.

use serde_json::Value;

use crate::leaks::TENANTS;
use crate::site::Site;

#[test]
fn an_apply_says_what_its_proof_found() {
    let site = Site::start(18);
    site.tenants(TENANTS);
    let run = site.run(&["apply", "--auto-approve"]);
    assert!(run.stderr.contains("audit: No findings."), "{run}");
    assert!(
        run.stdout.trim_end().ends_with("destroyed."),
        "the contract's last line: {run}"
    );
    run.ok();

    // Nothing was touched, so there is nothing to prove.
    let idle = site.run(&["apply", "--auto-approve"]);
    assert!(!idle.stderr.contains("audit:"), "{idle}");
    idle.ok();

    // A change of client02 is proved for client02: somebody has made it a member of the other's role meanwhile, which
    // the master may not revoke.
    site.sql("postgres", "GRANT client01 TO client02");
    let open = TENANTS.replace("109.241.200.169/32", "109.241.200.170/32");
    site.tenants(&open);
    let run = site.run(&["apply", "--auto-approve", "--json"]);
    assert_eq!(run.code, 0, "what was applied is applied: {run}");
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    let first = &document["audit"]["findings"][0];
    assert_eq!(first["rule"], "cross-tenant-connect", "{document}");
    assert!(run.stderr.contains("AUDIT: after this apply"), "{run}");
    assert!(
        run.stderr.contains("client02 -> client01 (member, inherits)"),
        "{run}"
    );

    site.tenants(TENANTS);
    let run = site.run(&["apply", "--auto-approve", "--no-audit"]);
    assert!(!run.stderr.to_lowercase().contains("audit:"), "{run}");
    run.ok();
}

#[test]
fn it_lists_who_gets_in_by_iam() {
    let site = Site::with(18, TENANTS);
    let arn = |rest: &str| format!("arn:aws:iam::123456789012:{rest}");
    let document: Value = serde_json::from_str(&site.run(&["audit", "--json"]).ok()).unwrap();
    let expected = serde_json::json!({
        "may_assume": [{ "who": arn("user/client01"), "from": ["109.241.200.168/32"] }],
        "may_connect": [arn("role/rds_cluster_client01")],
    });
    assert_eq!(document["credentials"]["client01"], expected);
    assert_eq!(document["credentials"].as_object().unwrap().len(), 2);

    let quiet = site.run(&["audit"]).ok();
    assert!(!quiet.contains("who gets in by IAM"), "{quiet}");
    let policy = [
        ("RoleName", "rds_cluster_client02"),
        (
            "PolicyDocument",
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}"#,
        ),
    ];
    crate::state_of::call(&site, "UpdateAssumeRolePolicy", &policy);
    let run = site.run(&["audit", "--tenant", "client02"]);
    let line = "may assume its role: anybody from anywhere";
    assert!(
        run.stdout.contains(line) && !run.stdout.contains("user/client01"),
        "{run}"
    );
}

#[test]
fn why_names_each_path_and_what_is_in_the_way() {
    let site = Site::with(15, TENANTS);
    let own = site.run(&["why", "client01", "db1"]).ok();
    assert!(own.contains("client01 can connect to client01_db1."), "{own}");
    assert!(
        own.contains("client01 -> CONNECT on client01_db1 (granted by postgres_master)"),
        "{own}"
    );
    let other = site.run(&["why", "client02", "client01_db1"]).ok();
    assert!(
        other.contains("client02 cannot connect to client01_db1."),
        "{other}"
    );
    assert!(other.contains("Neither PUBLIC, nor client02"), "{other}");

    site.sql("postgres", "GRANT client01 TO client02");
    site.sql("postgres", "GRANT CONNECT ON DATABASE client01_db1 TO PUBLIC");
    let both = site.run(&["why", "client02", "client01_db1"]).ok();
    assert!(both.contains("client02 can connect to client01_db1."), "{both}");
    assert!(both.contains("client02 -> PUBLIC -> CONNECT"), "{both}");
    assert!(
        both.contains("client02 -> client01 (member, inherits) -> CONNECT"),
        "{both}"
    );
    site.sql("postgres", "ALTER ROLE client02 NOLOGIN");
    let closed = site.run(&["why", "client02", "client01_db1"]).ok();
    assert!(
        closed.contains("cannot connect") && closed.contains("has no LOGIN"),
        "{closed}"
    );
    site.sql("postgres", "ALTER DATABASE client01_db1 ALLOW_CONNECTIONS false");
    let shut = site.run(&["why", "client01", "client01_db1", "--json"]).ok();
    let shut: Value = serde_json::from_str(&shut).unwrap();
    assert_eq!(shut["why"]["can"], false);
    assert!(shut.to_string().contains("takes no connections"), "{shut}");

    let unknown = site.run(&["why", "client1", "db1"]).refused();
    assert!(unknown.contains("; did you mean `client0"), "{unknown}");
    let unknown = site.run(&["why", "client01", "client01_db"]).refused();
    assert!(unknown.contains("; did you mean `client01_db"), "{unknown}");
}

#[test]
fn exit_codes_severities_and_sarif() {
    let site = Site::with(18, TENANTS);
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    crate::state_of::call(&site, "CreateUser", &[("UserName", "root-like")]);
    let parameters = [
        ("UserName", "root-like"),
        ("PolicyName", "all"),
        ("PolicyDocument", policy),
    ];
    crate::state_of::call(&site, "PutUserPolicy", &parameters);
    let noted = site.run(&["audit"]);
    assert_eq!(noted.code, 0, "an administrator is a note: {noted}");
    assert!(noted.stdout.contains("iam-administrator"), "{noted}");

    // A name that would move the cursor is spelled out.
    site.sql("postgres", "CREATE ROLE \"a\u{1b}[2Jb\" LOGIN");
    site.sql(
        "postgres",
        "GRANT CONNECT ON DATABASE client01_db1 TO \"a\u{1b}[2Jb\"",
    );
    let medium = site.run(&["audit"]);
    assert_eq!(medium.code, 2, "{medium}");
    assert!(
        !medium.stdout.contains('\u{1b}') && medium.stdout.contains("u{1b}"),
        "{medium}"
    );
    assert_eq!(site.run(&["audit", "--fail-on", "high"]).code, 0);
    assert_eq!(site.run(&["audit", "--fail-on", "medium"]).code, 2);
    let shallow = site.run(&["audit", "--shallow", "--fail-on=critical"]);
    assert!(
        shallow.stdout.contains("(0 looked into)") && shallow.stdout.contains("--shallow"),
        "{shallow}"
    );
    shallow.ok();
    site.run(&["audit", "--tenant", "nobody"]).refused();
    site.run(&["audit", "--fail-on", "note"]).refused();

    // The worst first.
    site.sql("postgres", "GRANT CONNECT ON DATABASE client01_db1 TO client02");
    let text = site.run(&["audit"]).stdout;
    let place = |what: &str| text.find(what).unwrap_or_else(|| panic!("no {what}: {text}"));
    assert!(place("critical cross-tenant-connect") < place("medium login-reaches-tenant"));
    assert!(place("medium login-reaches-tenant") < place("note iam-administrator"));

    let run = site.run(&["audit", "--sarif"]);
    assert_eq!(run.code, 2, "{run}");
    sarif(&serde_json::from_str(&run.stdout).unwrap());
}

#[test]
fn a_page_is_written_whole_or_not_at_all() {
    let site = Site::with(18, TENANTS);
    let page = site.path().join("audit.html");
    let to = page.to_str().unwrap();
    let clean = site.run(&["audit", "--html", to]).ok();
    assert!(clean.contains("No findings."), "text as without it: {clean}");
    let first = std::fs::read_to_string(&page).unwrap();
    assert!(
        first.starts_with("<!DOCTYPE html>") && first.ends_with("</html>\n"),
        "{first}"
    );
    assert!(first.contains("No findings."), "{first}");

    site.sql("postgres", "GRANT CONNECT ON DATABASE client01_db1 TO client02");
    let run = site.run(&["audit", "--json", "--html", "audit.html"]);
    assert_eq!(run.code, 2, "{run}");
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    let second = std::fs::read_to_string(&page).unwrap();
    assert!(
        second.contains("<title>client02 → client01: critical, "),
        "{second}"
    );
    let digest = document["digest"].as_str().unwrap();
    assert!(second.contains(digest), "the page is of the same audit");

    // No directory: said at once, with nothing read or printed.
    let run = site.run(&["audit", "--html", "reports/audit.html"]);
    assert!(run.stdout.is_empty(), "{run}");
    let said = run.refused();
    assert!(said.contains("there is no directory reports; make it"), "{said}");
    // A directory in the place of the file: what cannot be replaced stays, and nothing lies beside it.
    std::fs::create_dir(site.path().join("taken")).unwrap();
    let before = names(&site);
    site.run(&["audit", "--html", "taken"]).refused();
    assert_eq!(names(&site), before);
}

fn names(site: &Site) -> Vec<std::ffi::OsString> {
    let entries = std::fs::read_dir(site.path()).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}

/// What the SARIF schema requires of a log, and code scanning of a result besides.
fn sarif(log: &Value) {
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "tenantctl");
    let rules = driver["rules"].as_array().unwrap();
    for rule in rules {
        assert!(
            rule["id"].is_string() && rule["shortDescription"]["text"].is_string(),
            "{rule}"
        );
        assert!(
            rule["fullDescription"]["text"].as_str().unwrap().len() <= 1024,
            "{rule}"
        );
        let score: f64 = rule["properties"]["security-severity"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!((0.0..=10.0).contains(&score), "{rule}");
    }
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 3);
    let mut prints = std::collections::BTreeSet::new();
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()));
        assert!(result["message"]["text"].is_string());
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "tenants.hcl", "{result}");
        assert!(place["region"]["startLine"].as_u64().unwrap() >= 1);
        assert!(
            prints.insert(result["partialFingerprints"].to_string()),
            "twice: {result}"
        );
    }
    // The block of client01, not the head of the file.
    let crossing = results
        .iter()
        .find(|result| result["ruleId"] == "cross-tenant-connect")
        .unwrap();
    let line = crossing["locations"][0]["physicalLocation"]["region"]["startLine"]
        .as_u64()
        .unwrap();
    assert!(line > 1, "{crossing}");
}
