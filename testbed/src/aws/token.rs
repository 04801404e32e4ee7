//! RDS IAM tokens: making them as an SDK does, and checking them as RDS does.

use std::{
    fmt::Write as _,
    net::SocketAddr,
    time::{SystemTime, UNIX_EPOCH},
};

use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    aws::{
        REGION,
        call::Caller,
        http,
        policy::{Request, Verdict, evaluate},
        xml_text,
    },
    error::Error,
};

const LIFETIME: u64 = 900;
/// How far the clock of a client may be ahead.
const SKEW: u64 = 300;

/// The keys of a user or of a role session.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The access key id.
    pub access_key: String,
    /// The secret access key.
    pub secret_key: String,
    /// The session token, which only sessions have.
    pub session_token: Option<String>,
}

impl Credentials {
    /// Reads the answer of `CreateAccessKey` or `AssumeRole`.
    pub fn from_xml(xml: &str) -> Result<Self, Error> {
        let text = |tag| xml_text(xml, tag).ok_or_else(|| Error::Server(format!("no {tag} in {xml}")));
        Ok(Self {
            access_key: text("AccessKeyId")?,
            secret_key: text("SecretAccessKey")?,
            session_token: xml_text(xml, "SessionToken"),
        })
    }

    /// Creates an access key of a user, in the emulator behind a port of 127.0.0.1 that may be another process's.
    pub fn create(port: u16, user: &str) -> Result<Self, Error> {
        Self::from_xml(&Caller::operator(port).call("iam", "CreateAccessKey", &[("UserName", user)])?)
    }

    /// A token that logs a database user in at an endpoint (`host:port`) during the next 15 minutes.
    pub fn token(&self, endpoint: &str, user: &str) -> String {
        self.token_made_at(endpoint, user, now())
    }

    /// A token made at a time, in seconds since 1970: for what happens to an old one.
    pub fn token_made_at(&self, endpoint: &str, user: &str, seconds: u64) -> String {
        let date = timestamp(seconds);
        let scope = format!("{}/{}/{REGION}/rds-db/aws4_request", self.access_key, &date[..8]);
        let lifetime = LIFETIME.to_string();
        let mut params = vec![
            ("Action", "connect"),
            ("DBUser", user),
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", &scope),
            ("X-Amz-Date", &date),
            ("X-Amz-Expires", &lifetime),
            ("X-Amz-SignedHeaders", "host"),
        ];
        if let Some(token) = &self.session_token {
            params.push(("X-Amz-Security-Token", token));
        }
        let signature = signature(&self.secret_key, endpoint, &params, &date, REGION);
        format!("{endpoint}/?{}&X-Amz-Signature={signature}", http::form(&params))
    }
}

/// Where a token must be for.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) aws: SocketAddr,
    pub(crate) endpoints: Vec<String>,
    pub(crate) resource_id: String,
}

/// Checks a token as RDS does. The reason of a refusal is for people who debug; a client never sees it.
pub(crate) async fn verify(target: &Target, user: &str, token: &str) -> Result<(), String> {
    let (endpoint, query) = token.split_once("/?").ok_or("not a token")?;
    if !target.endpoints.iter().any(|known| known == endpoint) {
        return Err(format!("made for {endpoint}"));
    }
    let params = decode(query);
    let param = |name: &str| {
        params
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let required = |name: &str| param(name).ok_or_else(|| format!("no {name}"));
    if required("Action")? != "connect" || required("DBUser")? != user {
        return Err("made for another user".into());
    }
    let scope: Vec<_> = required("X-Amz-Credential")?.split('/').collect();
    let &[access_key, day, region, "rds-db", "aws4_request"] = scope.as_slice() else {
        return Err("signed for another service".into());
    };
    let date = required("X-Amz-Date")?;
    if !date.starts_with(day) {
        return Err("dates differ".into());
    }
    check_time(date, required("X-Amz-Expires")?)?;
    let path = format!("/testbed/principal?{}", http::encode(access_key));
    let principal = http::get(target.aws, &path)
        .await
        .map_err(|error| error.to_string())?;
    check_key(&principal, param("X-Amz-Security-Token"))?;
    let unsigned = params.iter().filter(|(name, _)| name != "X-Amz-Signature");
    let unsigned: Vec<_> = unsigned
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let secret = principal["secret"].as_str().unwrap_or_default();
    if signature(secret, endpoint, &unsigned, date, region) != required("X-Amz-Signature")? {
        return Err("wrong signature".into());
    }
    check_policies(&principal, &target.resource_id, region, user)
}

fn check_time(date: &str, lifetime: &str) -> Result<(), String> {
    let made = seconds(date).ok_or("not a date")?;
    let lifetime = lifetime
        .parse::<u64>()
        .map_err(|error| error.to_string())?
        .min(LIFETIME);
    match now() {
        now if now > made + lifetime => Err("expired".into()),
        now if now + SKEW < made => Err("from the future".into()),
        _ => Ok(()),
    }
}

fn check_key(principal: &Value, session_token: Option<&str>) -> Result<(), String> {
    if principal["active"] != Value::Bool(true) {
        return Err("no such key, or inactive".into());
    }
    if principal["token"].as_str() != session_token {
        return Err("wrong session token".into());
    }
    if principal["expires"]
        .as_f64()
        .is_some_and(|expires| (now() as f64) > expires)
    {
        return Err("the session is over".into());
    }
    Ok(())
}

fn check_policies(principal: &Value, resource_id: &str, region: &str, user: &str) -> Result<(), String> {
    let account = principal["arn"]
        .as_str()
        .and_then(|arn| arn.split(':').nth(4))
        .unwrap_or_default();
    let resource = format!("arn:aws:rds-db:{region}:{account}:dbuser:{resource_id}/{user}");
    let request = Request {
        action: "rds-db:connect",
        resource: Some(&resource),
        principals: &[],
        source_ip: None,
        context: &std::collections::BTreeMap::new(),
    };
    let own = principal["policies"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let session = principal
        .get("session_policy")
        .filter(|policy| policy.is_string())
        .map(std::slice::from_ref);
    let allowed = |documents| evaluate(documents, &request) == Verdict::Allowed;
    match allowed(own) && session.is_none_or(allowed) {
        true => Ok(()),
        false => Err(format!("no policy allows rds-db:connect on {resource}")),
    }
}

fn decode(query: &str) -> Vec<(String, String)> {
    let text = |encoded| percent_decode_str(encoded).decode_utf8_lossy().into_owned();
    let pairs = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.map(|(name, value)| (text(name), text(value))).collect()
}

/// Signature Version 4 of a presigned GET of `/` whose only header is the host.
fn signature(secret: &str, host: &str, params: &[(&str, &str)], date: &str, region: &str) -> String {
    let mut sorted = params.to_vec();
    sorted.sort_unstable();
    let nothing = hex(&Sha256::digest(b""));
    let request = format!("GET\n/\n{}\nhost:{host}\n\nhost\n{nothing}", http::form(&sorted));
    let day = date.get(..8).unwrap_or_default();
    let request = hex(&Sha256::digest(request.as_bytes()));
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{day}/{region}/rds-db/aws4_request\n{request}");
    let key = [day, region, "rds-db", "aws4_request"]
        .iter()
        .fold(format!("AWS4{secret}").into_bytes(), |key, part| {
            hmac(&key, part.as_bytes())
        });
    hex(&hmac(&key, text.as_bytes()))
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs())
}

/// The form `20260102T030405Z`, by the usual arithmetic with years that begin in March.
fn timestamp(seconds: u64) -> String {
    let (days, time) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!(
        "{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z",
        time / 3_600,
        time / 60 % 60,
        time % 60
    )
}

/// The inverse of [`timestamp`].
fn seconds(text: &str) -> Option<u64> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
    let (month, day) = (number(4, 6)?, number(6, 8)?);
    let year = number(0, 4)?.checked_sub(u64::from(month <= 2))?;
    let shifted = if month > 2 {
        month.checked_sub(3)?
    } else {
        month + 9
    };
    let day_of_year = (153 * shifted + 2) / 5 + day.checked_sub(1)?;
    let (era, year_of_era) = (year / 400, year % 400);
    let days = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let time = number(9, 11)? * 3_600 + number(11, 13)? * 60 + number(13, 15)?;
    Some(days.checked_sub(719_468)? * 86_400 + time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_there_and_back() {
        assert_eq!(timestamp(951_782_400), "20000229T000000Z");
        assert_eq!(timestamp(1_767_225_599), "20251231T235959Z");
        for seconds_since in (0..4_000_000_000).step_by(86_400 * 13 + 4_711) {
            assert_eq!(seconds(&timestamp(seconds_since)), Some(seconds_since));
        }
    }
}
