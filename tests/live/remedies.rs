//! Failures that really happen here, each with its cause and its remedy, in text and in JSON.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use serde_json::Value;
use tenantctl_testbed::Fault;

use super::on_both_ends;
use super::site::{Run, Site};

on_both_ends!(
    postgres_that_refuses_or_is_not_there_is_explained,
    aws_that_refuses_or_is_not_there_is_explained,
    a_step_that_fails_says_what_to_do,
    failures_that_are_alike_are_explained_once,
);

const TENANT: &str =
    "tenant \"client01\" {\n  databases = [\"db1\"]\n  allowed_ips = [\"127.0.0.1/32\"]\n}\n";

/// The error of a document; the file may have warnings besides.
fn error(document: &Value) -> Value {
    let all = document["diagnostics"].as_array().unwrap().iter();
    let mut errors = all.filter(|diagnostic| diagnostic["severity"] == "error");
    let error = errors.next().unwrap().clone();
    assert!(errors.next().is_none(), "{document}");
    error
}

/// The one error of `plan --json`, which the text says as well.
fn explained(site: &Site, what: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Value {
    let run = site.run_with(&[&["plan", "--json"], arguments].concat(), environment);
    assert_eq!(run.code, 1, "{what}: {run}");
    let document: Value =
        serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{what}: {error}: {run}"));
    let diagnostic = error(&document);
    for (label, key) in [("error", "message"), ("cause", "cause"), ("help", "help")] {
        let said = diagnostic[key]
            .as_str()
            .unwrap_or_else(|| panic!("{what}: no {key}: {run}"));
        assert!(
            run.stderr.contains(said) && run.stderr.contains(label),
            "{what}: {key} is not in {run}"
        );
    }
    let code = diagnostic["code"].as_str().unwrap();
    assert!(run.stderr.contains(&format!("error[{code}]")), "{what}: {run}");
    diagnostic
}

/// What is explained, by what was done; ports and directories are others each time.
fn report(site: &Site, found: &[(String, Value)]) -> String {
    let mut text = String::new();
    for (what, diagnostic) in found {
        let said = |key: &str| {
            let text = diagnostic[key].as_str().unwrap_or("nothing");
            text.replace(&site.world.endpoint(), "ENDPOINT")
                .replace(&site.world.front_door.port().to_string(), "PORT")
                .replace(&site.path().display().to_string(), "DIR")
        };
        let _ = writeln!(
            text,
            "{what}\n  {}: {}\n  cause: {}\n  help: {}\n",
            said("code"),
            said("message"),
            said("cause"),
            said("help")
        );
    }
    text
}

fn message_of(diagnostic: &Value) -> String {
    diagnostic["message"].as_str().unwrap().to_owned()
}

/// A server that answers anything with this, and hangs up.
fn answering(answer: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 8];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer);
        }
    });
    port
}

fn postgres_that_refuses_or_is_not_there_is_explained(major: u16) {
    let site = Site::start(major);
    let file = |from: &str, to: &str| {
        let cluster = site.cluster("admin {\n    database = \"postgres\"\n  }");
        assert!(cluster.contains(from), "{cluster}");
        site.write("tenants.hcl", &format!("{}{TENANT}", cluster.replace(from, to)));
    };
    let endpoint = site.world.endpoint();
    let mut found = Vec::new();
    let mut see = |what: &str, environment: &[(&str, &str)]| {
        let mut diagnostic = explained(&site, what, &[], environment);
        let place = (diagnostic["file"].clone(), diagnostic["line"].clone());
        assert_eq!(place.1, 2, "{what}: the identifier's line is shown: {place:?}");
        if what == "a name that means nothing" {
            let known = message_of(&diagnostic)
                .split_inclusive("lookup address information")
                .next()
                .unwrap()
                .to_owned();
            diagnostic["message"] = known.into();
        }
        // The ports of the stand-ins are others each time.
        let message = message_of(&diagnostic);
        if let Some((before, after)) = message
            .split_once("127.0.0.1:")
            .filter(|_| !message.contains(&endpoint))
        {
            let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
            diagnostic["message"] = format!("{before}127.0.0.1:STAND-IN{after}").into();
        }
        found.push((what.to_owned(), diagnostic));
    };
    file("\"postgres\"", "\"postgres\"");
    see("a wrong password", &[("PGPASSWORD", "wrong")]);
    file("\"postgres\"", "\"nowhere\"");
    see("a database that is not there", &[]);
    file(&endpoint, "127.0.0.1:1");
    see("nobody listens", &[]);
    file(&endpoint, "nowhere.invalid:5432");
    see("a name that means nothing", &[]);
    file(&endpoint, &format!("127.0.0.1:{}", answering(b"N")));
    see("a server without TLS", &[]);
    file(&endpoint, &format!("127.0.0.1:{}", answering(b"")));
    see("a server that hangs up", &[]);
    let roots = concat!(env!("CARGO_MANIFEST_DIR"), "/src/live/roots/rds.pem");
    file(&site.world.front_door.ca_file().display().to_string(), roots);
    see("an authority that nobody knows", &[]);
    file(
        &site.world.front_door.ca_file().display().to_string(),
        "nowhere.pem",
    );
    let unread = explained_without_cause(&site);
    assert!(
        unread["message"].as_str().unwrap().contains("nowhere.pem"),
        "{unread}"
    );

    file("\"postgres\"", "\"postgres\"");
    site.sql("postgres", "GRANT rds_iam TO postgres_master");
    see("an admin in rds_iam, with a password", &[]);
    site.sql(
        "postgres",
        "REVOKE rds_iam FROM postgres_master; ALTER ROLE postgres_master NOLOGIN",
    );
    see("an admin without LOGIN", &[]);
    site.sql(
        "postgres",
        "ALTER ROLE postgres_master LOGIN; ALTER DATABASE postgres OWNER TO rdsadmin; \
         REVOKE CONNECT ON DATABASE postgres FROM PUBLIC",
    );
    see("a database that the admin may not enter", &[]);
    insta::assert_snapshot!("postgres_explained", report(&site, &found));
}

fn explained_without_cause(site: &Site) -> Value {
    let run = site.run(&["plan", "--json"]);
    assert_eq!(run.code, 1, "{run}");
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    let found = error(&document);
    assert!(found["help"].as_str().unwrap().contains("sslrootcert"), "{run}");
    found
}

fn refusal(action: &str, code: &str, message: &str, status: u16, times: usize) -> Fault {
    Fault::Error {
        action: action.into(),
        code: code.into(),
        message: message.into(),
        status,
        times,
    }
}

fn aws_that_refuses_or_is_not_there_is_explained(major: u16) {
    let site = Site::start(major);
    site.tenants(TENANT);
    let mut found = Vec::new();
    for (code, message, status) in [
        (
            "AccessDenied",
            "User is not authorized because no identity-based policy allows it",
            403,
        ),
        (
            "AccessDenied",
            "not authorized because no permissions boundary allows it",
            403,
        ),
        (
            "AccessDenied",
            "with an explicit deny in a service control policy",
            403,
        ),
        (
            "AccessDenied",
            "with an explicit deny in an identity-based policy",
            403,
        ),
        (
            "ExpiredToken",
            "The security token included in the request is expired",
            403,
        ),
        ("RequestExpired", "Request has expired", 400),
        ("SignatureDoesNotMatch", "Signature expired", 403),
        (
            "InvalidClientTokenId",
            "The security token included in the request is invalid",
            403,
        ),
    ] {
        site.world
            .proxy
            .inject(refusal("DescribeDBClusters", code, message, status, 1));
        found.push((format!("{code}: {message}"), explained(&site, code, &[], &[])));
        site.world.proxy.heal();
    }
    site.write("tenants.hcl", &(site.cluster_of("prod-tenant", "") + TENANT));
    let mut missing = explained(&site, "another identifier", &[], &[]);
    let message = message_of(&missing);
    missing["message"] = message.split(" (request ").next().into();
    assert_eq!(missing["line"], 2, "{missing}");
    assert!(
        missing["help"]
            .as_str()
            .unwrap()
            .contains("there is: prod-tenants"),
        "{missing}"
    );
    found.push(("another identifier".to_owned(), missing));

    site.tenants(TENANT);
    let nobody = [
        ("AWS_ACCESS_KEY_ID", ""),
        ("AWS_SECRET_ACCESS_KEY", ""),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("HOME", "/nowhere"),
    ];
    let mut none = explained(&site, "no credentials", &[], &nobody);
    none["message"] = "(what the SDK says)".into();
    found.push(("no credentials".to_owned(), none));
    site.write(
        "tenants.hcl",
        &(site.cluster("").replace("region = \"eu-central-1\"", "") + TENANT),
    );
    let nowhere = [
        ("AWS_REGION", ""),
        ("AWS_DEFAULT_REGION", ""),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("HOME", "/nowhere"),
    ];
    let mut none = explained(&site, "no region", &[], &nowhere);
    none["message"] = "(what the SDK says)".into();
    found.push(("no region".to_owned(), none));
    insta::assert_snapshot!("aws_explained", report(&site, &found));
}

fn results(run: &Run) -> Vec<Value> {
    let document: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run}"));
    let results = document["results"].as_array().unwrap().iter();
    results
        .filter(|result| result["outcome"] == "failed")
        .cloned()
        .collect()
}

fn a_step_that_fails_says_what_to_do(major: u16) {
    let mut found = Vec::new();
    let site = Site::start(major);
    let mut failing = |what: &str, file: &str| {
        site.tenants(file);
        let run = site.run(&["apply", "--auto-approve", "--json", "--no-audit"]);
        assert_eq!(run.code, 1, "{what}: {run}");
        let failed = results(&run).remove(0);
        let mut problem = failed["problem"].clone();
        let error = failed["error"].as_str().unwrap();
        for key in ["message", "help"] {
            assert!(error.contains(problem[key].as_str().unwrap()), "{what}: {failed}");
        }
        assert!(problem["cause"].is_string(), "{what}: {failed}");
        // The details are those of one version.
        problem["message"] = message_of(&problem).split("; ").next().into();
        found.push((what.to_owned(), problem));
        site.world.proxy.heal();
    };
    for (action, code, message) in [
        (
            "CreateUser",
            "LimitExceeded",
            "Cannot exceed quota for UsersPerAccount: 5000",
        ),
        (
            "CreateUser",
            "AccessDenied",
            "not authorized to perform: iam:CreateUser",
        ),
        (
            "CreateRole",
            "LimitExceeded",
            "Cannot exceed quota for RolesPerAccount: 1000",
        ),
        (
            "CreateRole",
            "MalformedPolicyDocument",
            "Syntax error at position (1,2)",
        ),
        (
            "PutRolePolicy",
            "LimitExceeded",
            "Maximum policy size of 10240 bytes exceeded for role x",
        ),
    ] {
        let (status, times) = match code {
            "AccessDenied" => (403, 1),
            "LimitExceeded" => (409, 1),
            _ => (400, 1),
        };
        site.world
            .proxy
            .inject(refusal(action, code, message, status, times));
        failing(&format!("{action}: {code}: {message}"), TENANT);
    }
    let with = |more: &str| TENANT.replace("\n}", &format!("\n  {more}\n}}"));
    failing(
        "an extension that is not there",
        &with("extensions = [\"pg_not_there\"]"),
    );
    failing(
        "a value that is none",
        &with("settings = { work_mem = \"lots\" }"),
    );
    insta::assert_snapshot!("steps_explained", report(&site, &found));
}

/// For people: the cause and the remedy below the failure, once however many fail alike.
fn failures_that_are_alike_are_explained_once(major: u16) {
    let site = Site::start(major);
    let two = format!("{TENANT}{}", TENANT.replace("client01", "client02"));
    let broken = two.replace("\n}", "\n  settings = { work_mem = \"lots\" }\n}");
    site.tenants(&broken);
    let run = site.run(&["apply", "--auto-approve", "--no-audit"]);
    assert_eq!(run.code, 1, "{run}");
    assert_eq!(run.stdout.matches("failed: ").count(), 2, "{run}");
    assert_eq!(
        run.stdout.matches("  = help: Correct it in `settings`").count(),
        1,
        "{run}"
    );
    assert_eq!(run.stdout.matches("  = cause: ").count(), 1, "{run}");

    site.world.postgres.become_reader().unwrap();
    let reader = site.run(&["apply", "--auto-approve"]).refused();
    assert!(
        reader.contains("error[server_is_a_reader]") && reader.contains("help: "),
        "{reader}"
    );
}
