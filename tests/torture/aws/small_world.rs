//! Three tenants who get keys, and what has to be true of them after every day.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;
use tenantctl_testbed::Behaviour;

use crate::login::Recipient;
use crate::site::{Run, Site};
use crate::state_of;

pub const ALL: [&str; 3] = ["client01", "client02", "client03"];
/// From where the tests call.
pub const HERE: &str = "127.0.0.1/32";

/// A site whose AWS refuses what AWS refuses, also on good days.
pub struct SmallWorld {
    pub site: Site,
    recipient: Recipient,
}

/// Nothing goes wrong, except what AWS never accepts.
pub fn fair() -> Behaviour {
    Behaviour {
        strict: true,
        ..Behaviour::default()
    }
}

impl SmallWorld {
    pub fn start(major: u16) -> Self {
        let world = Self {
            site: Site::start(major),
            recipient: Recipient::new(),
        };
        world.site.world.proxy.behave(fair());
        world
    }

    /// Asks for these tenants and networks.
    pub fn ask(&self, tenants: &[&str], networks: &[&str]) {
        let mut text = format!(
            "defaults {{\n  databases = [\"db1\"]\n  allowed_ips = {networks:?}\n  {}\n}}\n",
            self.recipient.block()
        );
        for tenant in tenants {
            let _ = writeln!(text, "tenant \"{tenant}\" {{}}");
        }
        self.site.tenants(&text);
    }

    /// Asks, applies in fair weather, and looks.
    #[track_caller]
    pub fn settle(&self, tenants: &[&str], networks: &[&str]) {
        self.ask(tenants, networks);
        self.site.apply().ok();
        self.check(tenants, networks);
    }

    /// Applies on a bad day. What failed says so by AWS's code; after that the sky clears, and one more run puts
    /// everything right.
    #[track_caller]
    pub fn survive(&self, day: Behaviour, tenants: &[&str], networks: &[&str]) -> Run {
        self.ask(tenants, networks);
        let proxy = &self.site.world.proxy;
        proxy.behave(day);
        let run = self.site.apply();
        proxy.behave(fair());
        if run.code != 0 {
            let said = format!("{}{}", run.stdout, run.stderr);
            let by_code = [
                "Throttling",
                "ServiceUnavailable",
                "InternalFailure",
                "NoSuchEntity",
            ];
            let lost = ["Check the network", "Whether the key was made is unknown"];
            let named = by_code.iter().chain(&lost).any(|word| said.contains(word));
            assert!(run.code == 1 && named, "{run}");
            self.site.apply().ok();
        }
        self.check(tenants, networks);
        run
    }

    /// Nothing is left to do or open; these tenants have what they shall have, and the others nothing.
    #[track_caller]
    pub fn check(&self, tenants: &[&str], networks: &[&str]) {
        let site = &self.site;
        site.assert_converged();
        let open = "SELECT count(*) FROM tenantctl.step WHERE finished_at IS NULL";
        assert_eq!(site.value("postgres", open), "0", "steps without an end");
        for tenant in ALL {
            if tenants.contains(&tenant) {
                self.check_present(tenant, networks);
            } else {
                assert!(!state_of::exists(site, "User", tenant), "{tenant} is still there");
                assert!(
                    !state_of::exists(site, "Role", &role(tenant)),
                    "{tenant} is still there"
                );
            }
        }
    }

    #[track_caller]
    fn check_present(&self, tenant: &str, networks: &[&str]) {
        let site = &self.site;
        let key = self.recipient.key(site, tenant);
        let keys = [(key.id.clone(), "Active".to_owned())];
        assert_eq!(
            state_of::keys(site, tenant),
            keys,
            "{tenant} has one key, and it is in the file"
        );
        let answer = state_of::call(site, "GetRole", &[("RoleName", &role(tenant))]);
        let trust = state_of::document(&answer, "AssumeRolePolicyDocument");
        let statement = match &trust["Statement"] {
            Value::Array(all) => all[0].clone(),
            one => one.clone(),
        };
        let user = format!("arn:aws:iam::123456789012:user/{tenant}");
        assert_eq!(statement["Principal"]["AWS"], user, "{trust}");
        let source = &statement["Condition"]["IpAddress"]["aws:SourceIp"];
        let found: BTreeSet<&str> = match source {
            Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
            one => one.as_str().into_iter().collect(),
        };
        assert_eq!(found, networks.iter().copied().collect(), "{trust}");
        // One that gets in is enough: the others differ by name alone, and each login is a process.
        if tenant == ALL[0] && networks.contains(&HERE) {
            let token = key.token(site, tenant);
            let login = site.login(tenant, &token, &format!("{tenant}_db1"), "SELECT 1");
            assert_eq!(login, Ok("1".into()), "{tenant} gets in");
        }
    }

    /// A call in fair weather that a person makes by hand.
    #[track_caller]
    pub fn by_hand(&self, action: &str, parameters: &[(&str, &str)]) -> String {
        let answer = self.site.world.proxy.call("iam", action, parameters);
        answer.unwrap_or_else(|error| panic!("{action}: {error}"))
    }
}

pub fn role(tenant: &str) -> String {
    format!("rds_cluster_{tenant}")
}
