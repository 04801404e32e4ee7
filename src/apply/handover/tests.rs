use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;
use crate::address::TenantId;
use crate::apply::iam::Patience;
use crate::live::aws::stub::{Stub, ok};

/// Made for these tests by `ssh-keygen -t ed25519`, and in use nowhere.
const SSH_PUBLIC: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDgigO5nhejsdIRhD/Q9jxx2xhJMc1V59gDKkTWap/tF tester@example";
const SSH_PRIVATE: &str = "-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACA4IoDuZ4Xo7HSEYQ/0PY8cdsYSTHNVefYAypE1mqf7RQAAAJhYM5W+WDOV
vgAAAAtzc2gtZWQyNTUxOQAAACA4IoDuZ4Xo7HSEYQ/0PY8cdsYSTHNVefYAypE1mqf7RQ
AAAEBsE3/W10n7VXKHiOcVyFoQtG74y1sj2S2IF6B6ODzxDzgigO5nhejsdIRhD/Q9jxx2
xhJMc1V59gDKkTWap/tFAAAADnRlc3RlckBleGFtcGxlAQIDBAUGBw==
-----END OPENSSH PRIVATE KEY-----
";

fn handover(recipient: &str) -> HandOver {
    HandOver {
        tenant: TenantId::new("client01"),
        recipient: recipient.to_owned(),
        role: "client01".into(),
        role_arn: Some("arn:aws:iam::123456789012:role/rds_cluster_client01".into()),
        region: "eu-central-1".into(),
        endpoint: "main.cluster-x.eu-central-1.rds.amazonaws.com".into(),
        port: 5432,
        databases: vec!["client01_db1".into(), "client01_db2".into()],
    }
}

fn access_key() -> Credential {
    Credential::AccessKey {
        id: "AKIA1".into(),
        secret: Secret::new("wJalr/XUtn+FEMI"),
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("exists").permissions().mode() & 0o777
}

fn entries(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory");
    entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect()
}

#[test]
fn an_age_identity_opens_what_was_written_for_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let identity = age::x25519::Identity::generate();
    let handover = handover(&identity.to_public().to_string());
    let path = write(dir.path(), &handover, &access_key()).expect("writes");

    assert_eq!(path, dir.path().join("handover/client01.age"));
    assert_eq!((mode(&path), mode(&dir.path().join("handover"))), (0o600, 0o700));
    let cipher = fs::read(&path).expect("reads");
    assert!(cipher.starts_with(b"-----BEGIN AGE ENCRYPTED FILE-----"));
    let plain = age::decrypt(&identity, &cipher).expect("decrypts");
    let plain = String::from_utf8(plain).expect("text");
    insta::assert_snapshot!("access_key", plain);
    assert_eq!(
        entries(&dir.path().join("handover")),
        ["client01.age"],
        "nothing else stays"
    );

    let stranger = age::x25519::Identity::generate();
    age::decrypt(&stranger, &cipher).expect_err("not for a stranger");
}

#[test]
fn an_ssh_key_opens_what_was_written_for_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut handover = handover(SSH_PUBLIC);
    handover.role_arn = None;
    let password = Credential::Password(Secret::new("pa55word"));
    let path = write(dir.path(), &handover, &password).expect("writes");
    let identity = age::ssh::Identity::from_buffer(SSH_PRIVATE.as_bytes(), None).expect("a key");
    let plain = age::decrypt(&identity, &fs::read(path).expect("reads")).expect("decrypts");
    insta::assert_snapshot!("password", String::from_utf8(plain).expect("text"));
}

#[test]
fn a_link_in_the_place_of_the_file_is_replaced_and_one_for_the_directory_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let elsewhere = tempfile::tempdir().expect("a directory");
    let victim = elsewhere.path().join("victim");
    fs::write(&victim, "precious").expect("writes");
    let directory = dir.path().join(DIRECTORY);
    fs::create_dir(&directory).expect("creates");
    fs::set_permissions(&directory, Permissions::from_mode(0o755)).expect("opens");
    symlink(&victim, directory.join("client01.age")).expect("links");

    let path = write(dir.path(), &handover(SSH_PUBLIC), &access_key()).expect("writes");
    assert_eq!(fs::read_to_string(&victim).expect("reads"), "precious");
    assert!(fs::symlink_metadata(&path).expect("exists").is_file());
    assert_eq!(mode(&directory), 0o700, "closed");

    fs::remove_dir_all(&directory).expect("removes");
    symlink(elsewhere.path(), &directory).expect("links");
    let error = write(dir.path(), &handover(SSH_PUBLIC), &access_key()).expect_err("a link");
    assert!(
        matches!(error, HandOverError::Write { path, .. } if path == directory),
        "refused"
    );
    assert_eq!(entries(elsewhere.path()), ["victim"]);
}

#[test]
fn recipients_are_checked_and_private_keys_not_repeated() {
    check_recipient(SSH_PUBLIC).expect("with a comment");
    check_recipient(&age::x25519::Identity::generate().to_public().to_string()).expect("age");
    let ecdsa = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBJ0QEy3V0nEFSf9eb8GHVOHp9LWNg17r4Xvd+vxiZWRDYhprDe4YnJwKz7SMsLZxXo2GYtbPtzMLEQZcmP+6JjE=";
    let refused = [
        ("", "is neither"),
        ("someone@example.com", "is neither"),
        ("age1yubikey1qqqq", "is no X25519 recipient"),
        (ecdsa, "ecdsa-sha2-nistp256"),
        ("AGE-SECRET-KEY-1QQQQ", "is a private key"),
        (SSH_PRIVATE, "is a private key"),
    ];
    for (recipient, expected) in refused {
        let error = check_recipient(recipient).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("QQQQ") && !error.contains("b3Bl"), "{error}");
    }
}

#[test]
fn a_name_that_leaves_the_directory_writes_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    for name in ["", ".", "..", "../x", "a/b", ".hidden"] {
        let mut handover = handover(SSH_PUBLIC);
        handover.tenant = TenantId::new(name);
        write(dir.path(), &handover, &access_key()).expect_err("no file name");
    }
    assert_eq!(entries(dir.path()), Vec::<String>::new());
}

#[test]
fn shells_see_awkward_names_as_words() {
    let dir = tempfile::tempdir().expect("a directory");
    let identity = age::x25519::Identity::generate();
    let mut handover = handover(&identity.to_public().to_string());
    handover.databases = vec!["o'neill \"$(x)\"".into()];
    let path = write(dir.path(), &handover, &access_key()).expect("writes");
    let plain = age::decrypt(&identity, &fs::read(path).expect("reads")).expect("decrypts");
    let plain = String::from_utf8(plain).expect("text");
    assert!(
        plain.contains(r#"export PGDATABASE='o'\''neill "$(x)"'"#),
        "{plain}"
    );
    assert!(plain.contains("/o%27neill%20%22%24%28x%29%22\""), "{plain}");
}

#[tokio::test]
async fn a_key_is_made_after_the_checks_and_deleted_when_its_file_cannot_be_written() {
    let stub = Stub::start(|request, _| {
        let key = "<AccessKey><UserName>client01</UserName><AccessKeyId>AKIA1</AccessKeyId><Status>Active</Status>\
                   <SecretAccessKey>s3cr3t</SecretAccessKey></AccessKey>";
        ok(&request.action, key)
    })
    .await;
    let writer = IamWriter::with_patience(&stub.aws, Patience::default());
    let dir = tempfile::tempdir().expect("a directory");
    create_access_key(&writer, "client01", dir.path(), &handover("nonsense"))
        .await
        .expect_err("a recipient");
    assert_eq!(stub.aws.calls(), 0);

    let handover = handover(SSH_PUBLIC);
    let (id, path) = create_access_key(&writer, "client01", dir.path(), &handover)
        .await
        .expect("hands over");
    assert_eq!((id.as_str(), path.is_file()), ("AKIA1", true));

    // A directory in the file's place lets everything before the rename succeed.
    fs::remove_file(&path).expect("removes");
    fs::create_dir_all(path.join("occupied")).expect("creates");
    create_access_key(&writer, "client01", dir.path(), &handover)
        .await
        .expect_err("in the way");
    let requests = stub.requests();
    let last = requests.last().expect("a request");
    assert_eq!(
        (last.action.as_str(), last.get("AccessKeyId")),
        ("DeleteAccessKey", "AKIA1")
    );
}
