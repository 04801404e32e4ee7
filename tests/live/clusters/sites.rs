//! A configuration with three clusters, and what lives on them.

use serde_json::Value;
use tenantctl_testbed::{FrontDoor, Neighbour, Postgres};

use crate::site::Site;

/// A site with clusters `a`, `b` and `c`; the first is the site's own.
pub struct Sites {
    pub site: Site,
    pub b: Neighbour,
    pub c: Neighbour,
}

impl Sites {
    pub fn start(major: u16) -> Self {
        let site = Site::start(major);
        let b = site.world.neighbour(major, "tenants-b").unwrap();
        let c = site.world.neighbour(major, "tenants-c").unwrap();
        Self { site, b, c }
    }

    /// Writes the tenants file: these clusters, and this.
    pub fn write(&self, clusters: &str, tenants: &str) {
        let mut text =
            "defaults {\n  databases = [\"db1\"]\n  allowed_ips = [\"109.241.200.168/32\"]\n}\n".to_owned();
        for name in clusters.chars() {
            let (identifier, door) = match name {
                'a' => ("prod-tenants", &self.site.world.front_door),
                'b' => ("tenants-b", &self.b.front_door),
                _ => ("tenants-c", &self.c.front_door),
            };
            text += &block(&name.to_string(), identifier, &door.endpoint(), door);
        }
        self.site.write("tenants.hcl", &(text + tenants));
    }

    #[track_caller]
    pub fn settle(&self, tenants: &str) {
        self.write("abc", tenants);
        let run = self.site.apply();
        assert!(
            run.stdout.ends_with("destroyed.\n") && run.stdout.contains("Apply complete!"),
            "{run}"
        );
        run.ok();
        self.site.assert_converged();
    }

    /// The login roles and databases of tenants on a cluster: names that begin with its letter.
    pub fn on(&self, cluster: char) -> Vec<String> {
        let postgres = match cluster {
            'a' => &self.site.world.postgres,
            'b' => &self.b.postgres,
            _ => &self.c.postgres,
        };
        names(
            postgres,
            "SELECT rolname FROM pg_roles WHERE rolname ~ '^[a-z][0-9]$' AND rolcanlogin \
             UNION ALL SELECT datname FROM pg_database WHERE datname ~ '^[a-z][0-9]_' ORDER BY 1",
        )
    }

    /// The names of IAM users and roles.
    pub fn identities(&self) -> Vec<String> {
        let mut all = Vec::new();
        for (action, tag) in [("ListUsers", "UserName"), ("ListRoles", "RoleName")] {
            let answer = self.site.world.aws.call("iam", action, &[]).unwrap();
            let begin = format!("<{tag}>");
            let names = answer.split(&begin).skip(1);
            all.extend(names.map(|rest| rest.split('<').next().unwrap().to_owned()));
        }
        all.sort();
        all
    }

    /// Everything that lives on all clusters and in IAM, to see that nothing changed.
    pub fn everything(&self) -> Vec<String> {
        let mut all = self.identities();
        for cluster in ['a', 'b', 'c'] {
            all.extend(
                self.on(cluster)
                    .into_iter()
                    .map(|name| format!("{cluster}: {name}")),
            );
        }
        for role in self
            .identities()
            .iter()
            .filter(|name| name.starts_with("rds_cluster_"))
        {
            let policy = self.site.world.aws.call(
                "iam",
                "GetRolePolicy",
                &[("RoleName", role), ("PolicyName", "rds-connect")],
            );
            let policy = policy.unwrap();
            let document = policy.split("PolicyDocument>").nth(1).unwrap();
            all.push(document.to_owned());
        }
        all
    }
}

/// A cluster block.
pub fn block(name: &str, identifier: &str, endpoint: &str, door: &FrontDoor) -> String {
    format!(
        "cluster {name:?} {{\n  identifier = {identifier:?}\n  region = \"eu-central-1\"\n  endpoint = {endpoint:?}\n  \
         sslrootcert = {:?}\n}}\n",
        door.ca_file().display().to_string()
    )
}

/// The first column, and whatever else there is.
pub fn names(postgres: &Postgres, query: &str) -> Vec<String> {
    let rows = postgres.sql("postgres", query).unwrap();
    rows.into_iter().flatten().flatten().collect()
}

/// A tenant by IAM.
pub fn by_iam(name: &str, cluster: &str) -> String {
    format!("tenant {name:?} {{ cluster = {cluster:?} }}\n")
}

/// A tenant by password.
pub fn by_password(name: &str, cluster: &str) -> String {
    format!("tenant {name:?} {{\n  cluster = {cluster:?}\n  rds_iam_auth = false\n  allowed_ips = []\n}}\n")
}

/// What is held, as `cluster tenant kind`.
pub fn held(plan: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let all = plan["held"].as_array().unwrap();
    let mut held: Vec<_> = all
        .iter()
        .map(|held| {
            format!(
                "{} {} {}",
                text(&held["cluster"]),
                text(&held["tenant"]),
                text(&held["kind"])
            )
        })
        .collect();
    held.dedup();
    held
}
