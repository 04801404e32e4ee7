//! An emulator of the AWS API: moto, which serves IAM, STS, RDS, Secrets Manager and S3.

mod call;
mod factory;
pub(crate) mod http;
pub(crate) mod policy;
mod proxy;
pub(crate) mod token;

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use serde_json::Value;

use crate::{
    aws::call::Caller,
    error::{Context, Error},
    host, runtime,
};
pub use proxy::{AwsProxy, Behaviour, Fault};
pub use token::Credentials;

/// The region that everything is in.
pub(crate) const REGION: &str = "eu-central-1";
/// The caller's key; the emulator lets any key do anything.
const ACCESS_KEY: &str = "AKIATESTBEDOPERATOR0";
const SECRET_KEY: &str = "testbed-operator-secret";

/// A running emulator, empty at first.
#[derive(Debug)]
pub struct Aws {
    server: factory::Server,
}

/// A cluster to create.
#[derive(Clone, Debug)]
pub struct ClusterSpec<'a> {
    /// The identifier, as in `DescribeDBClusters`.
    pub identifier: &'a str,
    /// The master user.
    pub master_username: &'a str,
    /// The port that the cluster says it listens on.
    pub port: u16,
    /// Whether IAM database authentication is on.
    pub iam: bool,
    /// Whether RDS keeps the master password in a secret.
    pub manage_master_secret: bool,
}

/// What the emulator made of a [`ClusterSpec`].
#[derive(Clone, Debug)]
pub struct Cluster {
    /// The host name of the writer; nothing listens there.
    pub endpoint: String,
    /// The `cluster-...` id, which `rds-db:connect` policies name.
    pub resource_id: String,
    /// The ARN of the cluster.
    pub arn: String,
}

impl Aws {
    /// Starts an emulator.
    pub fn start() -> Result<Self, Error> {
        let server = factory::Server::start()?;
        let config = host::aws_config();
        // Some clients refuse a profile that no file has, and an environment cannot say that there is none.
        fs::write(&config, "[default]\n").context(|| format!("writing {}", config.display()))?;
        Ok(Self { server })
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port()).into()
    }

    /// The environment in which AWS clients find the emulator, and nothing else of this machine's AWS settings.
    pub fn env(&self) -> Vec<(String, String)> {
        environment(self.port())
    }

    /// Makes an Aurora PostgreSQL cluster known to RDS.
    pub fn create_cluster(&self, spec: &ClusterSpec<'_>) -> Result<Cluster, Error> {
        let port = spec.port.to_string();
        let iam = spec.iam.to_string();
        let mut params = vec![
            ("DBClusterIdentifier", spec.identifier),
            ("Engine", "aurora-postgresql"),
            ("MasterUsername", spec.master_username),
            ("Port", &port),
            ("EnableIAMDatabaseAuthentication", &iam),
        ];
        params.push(match spec.manage_master_secret {
            true => ("ManageMasterUserPassword", "true"),
            false => ("MasterUserPassword", "unused-by-the-emulator"),
        });
        let answer = self.call("rds", "CreateDBCluster", &params)?;
        let text = |tag| xml_text(&answer, tag).ok_or_else(|| Error::Server(format!("no {tag} in {answer}")));
        Ok(Cluster {
            endpoint: text("Endpoint")?,
            resource_id: text("DbClusterResourceId")?,
            arn: text("DBClusterArn")?,
        })
    }

    /// Calls an action of a service with the Query protocol (IAM, STS, RDS) and returns its XML.
    pub fn call(&self, service: &str, action: &str, params: &[(&str, &str)]) -> Result<String, Error> {
        Caller::operator(self.port()).call(service, action, params)
    }

    /// The same as the owner of an access key; the emulator tells callers apart by the key and checks nothing else.
    pub fn call_with_key(
        &self,
        access_key: &str,
        service: &str,
        action: &str,
        params: &[(&str, &str)],
    ) -> Result<String, Error> {
        Caller {
            port: self.port(),
            access_key,
        }
        .call(service, action, params)
    }

    /// Calls an action of a service with the JSON protocol, for example `secretsmanager`, `ListSecrets`.
    pub fn call_json(&self, service: &str, action: &str, body: &Value) -> Result<Value, Error> {
        Caller::operator(self.port()).call_json(service, action, body)
    }

    /// The Python that runs the emulator. It has boto3, the AWS SDK for Python, too.
    pub fn python(&self) -> Result<PathBuf, Error> {
        host::moto_python()
    }

    /// Everything the emulator holds, secrets included: its own view, which no AWS call gives.
    pub fn data(&self) -> Result<Value, Error> {
        runtime::block_on(http::get(self.address(), "/moto-api/data.json"))
    }
}

pub(crate) fn environment(port: u16) -> Vec<(String, String)> {
    let pairs = [
        ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}")),
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY.to_owned()),
        ("AWS_SESSION_TOKEN", String::new()),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_DEFAULT_REGION", REGION.to_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ("AWS_CONFIG_FILE", host::aws_config().display().to_string()),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".to_owned()),
        ("AWS_PROFILE", "default".to_owned()),
    ];
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// The text of the first element of this name.
pub(crate) fn xml_text(xml: &str, tag: &str) -> Option<String> {
    let start = xml.find(&format!("<{tag}>"))? + tag.len() + 2;
    let length = xml[start..].find(&format!("</{tag}>"))?;
    Some(xml[start..start + length].to_owned())
}
