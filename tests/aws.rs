//! The AWS half against an emulated AWS: what is written is read back as what was wanted, through lost answers and
//! late principals, and a tenant's key becomes a token that a server accepts.

use std::collections::BTreeSet;

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use tenantctl::address::{Address, Name, TenantId};
use tenantctl::apply::handover;
use tenantctl::apply::iam::IamWriter;
use tenantctl::live::access::{self, Login};
use tenantctl::live::aws::{Aws, AwsErrorKind};
use tenantctl::live::{iam, rds};
use tenantctl::model::policy::{database_user_arn, role_arn, user_arn};
use tenantctl::model::{IamRole, IamUser, Mark, Object, PolicyDocument, Quota};
use tenantctl::plan::step::{HandOver, IamCommand};
use tenantctl_testbed::{Aws as Emulator, AwsProxy, Behaviour, ClusterSpec, Fault, World};
use tokio::runtime::Runtime;

const ACCOUNT: &str = "123456789012";
const REGION: &str = "eu-central-1";

fn runtime() -> Runtime {
    Runtime::new().expect("a runtime")
}

async fn client(port: u16, key: &str, secret: &str) -> Aws {
    let credentials = Credentials::new(key, secret, None, None, "test");
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(format!("http://127.0.0.1:{port}"))
        .credentials_provider(SharedCredentialsProvider::new(credentials));
    Aws::from_config(config.load().await)
}

async fn operator(port: u16) -> Aws {
    client(port, "AKIATESTBEDOPERATOR0", "secret").await
}

/// A tenant's objects, and the commands that make them.
struct Tenant {
    name: String,
    user_arn: String,
    role: String,
    role_arn: String,
    trust: PolicyDocument,
    assume: PolicyDocument,
    connect: PolicyDocument,
}

impl Tenant {
    fn new(name: &str, resource_id: &str, cidrs: &[&str]) -> Self {
        let role = format!("rds_cluster_{name}");
        let user_arn = user_arn("aws", ACCOUNT, "/", name);
        let role_arn = role_arn("aws", ACCOUNT, "/", &role);
        let cidrs = cidrs.iter().map(|cidr| cidr.parse().expect("a CIDR")).collect();
        let login = database_user_arn("aws", REGION, ACCOUNT, resource_id, name);
        Self {
            name: name.to_owned(),
            trust: PolicyDocument::trust(&user_arn, &cidrs),
            assume: PolicyDocument::assume_role(&role_arn),
            connect: PolicyDocument::rds_connect(&login),
            user_arn,
            role,
            role_arn,
        }
    }

    fn mark(&self) -> Mark {
        Mark {
            workspace: "prod".into(),
            tenant: TenantId::new(&self.name),
        }
    }

    fn create(&self) -> [IamCommand; 4] {
        let (user, role) = (Name::from(&self.name), Name::from(&self.role));
        [
            IamCommand::CreateUser {
                user: user.clone(),
                path: "/".into(),
                mark: self.mark().into(),
            },
            IamCommand::CreateRole {
                role: role.clone(),
                path: "/".into(),
                trust: self.trust.clone(),
                mark: self.mark().into(),
            },
            IamCommand::PutUserPolicy {
                user,
                policy: "assume-role".into(),
                document: self.assume.clone(),
            },
            IamCommand::PutRolePolicy {
                role,
                policy: "rds-connect".into(),
                document: self.connect.clone(),
            },
        ]
    }

    fn delete(&self) -> [IamCommand; 4] {
        let (user, role) = (Name::from(&self.name), Name::from(&self.role));
        [
            IamCommand::DeleteUserPolicy {
                user: user.clone(),
                policy: "assume-role".into(),
            },
            IamCommand::DeleteRolePolicy {
                role: role.clone(),
                policy: "rds-connect".into(),
            },
            IamCommand::DeleteRole { role },
            IamCommand::DeleteUser { user },
        ]
    }

    fn scope(&self) -> iam::IamScope {
        let set = |name: &str| BTreeSet::from([Name::from(name)]);
        iam::IamScope {
            workspace: "prod".into(),
            users: set(&self.name),
            roles: set(&self.role),
            keys_of: set(&self.name),
        }
    }

    fn wanted(&self) -> Vec<(Address, Object)> {
        let (user, role) = (Name::from(&self.name), Name::from(&self.role));
        let path = Name::from("/");
        vec![
            (
                Address::IamUser { name: user.clone() },
                Object::IamUser(IamUser { path: path.clone() }),
            ),
            (
                Address::IamUserPolicy {
                    user,
                    name: "assume-role".into(),
                },
                Object::Policy(self.assume.clone()),
            ),
            (
                Address::IamRole { name: role.clone() },
                Object::IamRole(IamRole {
                    path,
                    trust: self.trust.clone(),
                }),
            ),
            (
                Address::IamRolePolicy {
                    role,
                    name: "rds-connect".into(),
                },
                Object::Policy(self.connect.clone()),
            ),
        ]
    }

    fn handover(&self, recipient: &str, host: &str, port: u16) -> HandOver {
        HandOver {
            tenant: TenantId::new(&self.name),
            recipient: recipient.to_owned(),
            role: self.name.clone().into(),
            role_arn: Some(self.role_arn.clone().into()),
            region: REGION.into(),
            endpoint: host.to_owned(),
            port,
            databases: vec!["postgres".into()],
        }
    }
}

async fn run(writer: &IamWriter, commands: &[IamCommand]) {
    for command in commands {
        if let Err(error) = writer.run(command).await {
            panic!("{command:?}: {error}");
        }
    }
}

#[test]
fn what_is_written_is_read_back_and_goes_again() {
    let emulator = Emulator::start().expect("the emulator");
    let proxy = AwsProxy::start(&emulator).expect("the proxy");
    runtime().block_on(async {
        let aws = operator(proxy.port()).await;
        let tenant = Tenant::new("client01", "cluster-ABC", &["203.0.113.0/24", "2001:db8::/32"]);
        let writer = IamWriter::new(&aws);
        run(&writer, &tenant.create()).await;
        proxy.reset_counts();
        let read = iam::read(&aws, &tenant.scope()).await.expect("reads");
        assert_eq!(read.objects, tenant.wanted());
        assert_eq!((read.gaps, read.notes), (Vec::new(), Vec::new()));
        assert!(read.marks.values().all(|mark| *mark == tenant.mark()));
        assert_eq!(read.marks.len(), 2);
        assert_eq!(proxy.counts().values().sum::<usize>(), 2, "{:?}", proxy.counts());

        // Running everything again, by a writer that remembers nothing, changes nothing.
        run(&IamWriter::new(&aws), &tenant.create()).await;
        // Another tenant's mark is not ours.
        let command = IamCommand::CreateUser {
            user: "client01".into(),
            path: "/".into(),
            mark: Box::new(Mark {
                workspace: "test".into(),
                ..tenant.mark()
            }),
        };
        let error = writer.run(&command).await.expect_err("not ours");
        assert_eq!(error.kind(), AwsErrorKind::NotOurs, "{error}");

        // Without the account's details, the same is read one by one.
        proxy.inject(Fault::Error {
            action: "GetAccountAuthorizationDetails".into(),
            code: "AccessDenied".into(),
            message: "not authorized".into(),
            status: 403,
            times: 1,
        });
        let read = iam::read(&aws, &tenant.scope()).await.expect("reads");
        assert_eq!(read.objects, tenant.wanted());
        assert_eq!((read.gaps, read.marks.len()), (Vec::new(), 2));

        run(&writer, &tenant.delete()).await;
        run(&writer, &tenant.delete()).await;
        let read = iam::read(&aws, &tenant.scope()).await.expect("reads");
        assert_eq!(read.objects, Vec::new());
    });
}

#[test]
fn lost_answers_and_late_principals_converge() {
    let emulator = Emulator::start().expect("the emulator");
    let proxy = AwsProxy::start(&emulator).expect("the proxy");
    runtime().block_on(async {
        let aws = operator(proxy.port()).await;
        let tenant = Tenant::new("client01", "cluster-ABC", &["203.0.113.0/24"]);
        for action in ["CreateUser", "CreateRole", "PutUserPolicy"] {
            proxy.inject(Fault::LostAnswer {
                action: action.into(),
                times: 1,
            });
        }
        proxy.inject(Fault::Error {
            action: "CreateRole".into(),
            code: "MalformedPolicyDocument".into(),
            message: format!("Invalid principal in policy: \"AWS\":\"{}\"", tenant.user_arn),
            status: 400,
            times: 2,
        });
        run(&IamWriter::new(&aws), &tenant.create()).await;
        let read = iam::read(&aws, &tenant.scope()).await.expect("reads");
        assert_eq!(read.objects, tenant.wanted());
    });
}

#[test]
fn the_room_of_the_account_is_read() {
    let emulator = Emulator::start().expect("the emulator");
    let proxy = AwsProxy::start(&emulator).expect("the proxy");
    proxy.behave(Behaviour {
        users: Some(7),
        roles: Some(9),
        ..Behaviour::default()
    });
    let name = [("UserName", "somebody")];
    emulator.call("iam", "CreateUser", &name).expect("a user");
    let aws = runtime().block_on(operator(proxy.port()));
    let quotas = runtime().block_on(iam::quotas::read(&aws)).expect("reads");
    let quota = |taken, limit| Some(Quota { taken, limit });
    assert_eq!((quotas.users, quotas.roles), (quota(1, 7), quota(0, 9)));
}

#[test]
fn a_cluster_is_found_by_its_identifier_and_named_when_it_is_nearly_right() {
    let emulator = Emulator::start().expect("the emulator");
    let spec = ClusterSpec {
        identifier: "prod-tenants",
        master_username: "postgres",
        port: 5433,
        iam: true,
        manage_master_secret: true,
    };
    let cluster = emulator.create_cluster(&spec).expect("a cluster");
    runtime().block_on(async {
        let aws = operator(emulator.port()).await;
        let found = rds::discover(&aws, "prod-tenants").await.expect("finds");
        let facts = found.facts;
        assert_eq!(
            (facts.partition.as_str(), facts.account.as_str()),
            ("aws", ACCOUNT)
        );
        assert_eq!(
            (facts.region.as_str(), facts.resource_id),
            (REGION, cluster.resource_id)
        );
        assert_eq!((facts.endpoint, facts.port), (cluster.endpoint, 5433));
        assert!(facts.iam_enabled);
        assert_eq!(found.notes, Vec::<String>::new());
        let arn = facts.master_secret_arn.expect("a managed secret");
        let (user, password) = access::master_secret(&aws, &arn).await.expect("reads");
        // The emulator puts `admin` into the secret whatever the master user is called.
        assert_eq!((user.as_str(), password.expose().is_empty()), ("admin", false));

        let error = rds::discover(&aws, "prod-tenant").await.expect_err("no such");
        assert_eq!(error.kind(), AwsErrorKind::NotFound);
        assert!(error.to_string().contains("there is: prod-tenants"), "{error}");
    });
}

#[test]
fn a_handed_over_key_becomes_a_token_that_the_server_accepts() {
    let world = World::start(15).expect("a world");
    let name = "client01";
    let sql = format!("CREATE ROLE {name} LOGIN; GRANT rds_iam TO {name}");
    world.postgres.sql("postgres", &sql).expect("a login role");
    let (host, port) = (world.cluster.endpoint.clone(), world.front_door.port());
    let token = runtime().block_on(async {
        let aws = operator(world.proxy.port()).await;
        let resource_id = &world.cluster.resource_id;
        let tenant = Tenant::new(name, resource_id, &["127.0.0.0/8"]);
        let writer = IamWriter::new(&aws);
        run(&writer, &tenant.create()).await;

        let dir = tempfile::tempdir().expect("a directory");
        let identity = age::x25519::Identity::generate();
        let handover = tenant.handover(&identity.to_public().to_string(), &host, port);
        let (id, path) = handover::create_access_key(&writer, name, dir.path(), &handover)
            .await
            .expect("hands over");
        let plain = age::decrypt(&identity, &std::fs::read(path).expect("reads")).expect("decrypts");
        let plain = String::from_utf8(plain).expect("text");
        let value = |name: &str| {
            let line = plain.lines().find_map(|line| line.strip_prefix(name));
            let line = line.and_then(|rest| rest.strip_prefix(": "));
            serde_json::from_str::<String>(line.expect("a field")).expect("a string")
        };
        assert_eq!(value("access_key_id"), id);

        let tenant_client = client(world.proxy.port(), &id, &value("secret_access_key")).await;
        let session = access::assume_tenant_role(&tenant_client, &value("role_arn"), name).await;
        let login = Login {
            region: REGION,
            host: &host,
            port,
            user: name,
        };
        let session = session.expect("assumes");
        let token = access::auth_token(&tenant_client, &session, login)
            .await
            .expect("signs");

        let suspend = IamCommand::UpdateAssumeRolePolicy {
            role: tenant.role.clone().into(),
            trust: PolicyDocument::trust_denied(&tenant.user_arn),
        };
        writer.run(&suspend).await.expect("suspends");
        let error = access::assume_tenant_role(&tenant_client, &tenant.role_arn, name)
            .await
            .expect_err("suspended");
        assert_eq!(error.kind(), AwsErrorKind::Denied, "{error}");
        assert!(error.to_string().contains("allowed_ips"), "{error}");
        token
    });
    let rows = world
        .front_door
        .sql_as(name, token.expose(), "postgres", "SELECT current_user")
        .expect("logs in");
    assert_eq!(rows, [[Some(name.to_owned())]]);
}
