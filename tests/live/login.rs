//! In as a tenant: the key out of the hand-over file, the role, the token, the database.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::site::{Run, Site};

/// Who can open hand-over files.
pub struct Recipient(age::x25519::Identity);

impl Recipient {
    pub fn new() -> Self {
        Self(age::x25519::Identity::generate())
    }

    /// The block for a tenants file.
    pub fn block(&self) -> String {
        format!("handover {{ recipient = \"{}\" }}", self.0.to_public())
    }

    /// What a tenant was handed: the plain `name: "value"` lines of the document.
    #[track_caller]
    pub fn open(&self, site: &Site, tenant: &str) -> BTreeMap<String, String> {
        let path = site.path().join(format!("handover/{tenant}.age"));
        let sealed = fs::read(&path).unwrap();
        assert!(sealed.starts_with(b"-----BEGIN AGE ENCRYPTED FILE-----"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let plain = String::from_utf8(age::decrypt(&self.0, &sealed).unwrap()).unwrap();
        let value = |line: &str| {
            let (name, value) = line.split_once(": ")?;
            Some((name.to_owned(), serde_json::from_str::<String>(value).ok()?))
        };
        plain.lines().filter_map(value).collect()
    }

    /// The access key of a tenant, as an environment.
    #[track_caller]
    pub fn key(&self, site: &Site, tenant: &str) -> Key {
        let document = self.open(site, tenant);
        Key {
            id: document["access_key_id"].clone(),
            secret: document["secret_access_key"].clone(),
        }
    }
}

/// An access key of a tenant.
pub struct Key {
    pub id: String,
    pub secret: String,
}

impl Key {
    /// Runs the binary as the tenant would: with its own key and without the master's password.
    pub fn run(&self, site: &Site, arguments: &[&str]) -> Run {
        let own = [
            ("AWS_ACCESS_KEY_ID", self.id.as_str()),
            ("AWS_SECRET_ACCESS_KEY", &self.secret),
            ("PGPASSWORD", "not-the-tenants-business"),
        ];
        site.run_with(arguments, &own)
    }

    #[track_caller]
    pub fn token(&self, site: &Site, tenant: &str) -> String {
        self.run(site, &["token", tenant]).ok().trim().to_owned()
    }
}
