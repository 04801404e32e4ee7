//! Calls of the AWS API, for tests that prepare or inspect what the product works on.

use std::net::Ipv4Addr;

use serde_json::Value;

use crate::{
    aws::{ACCESS_KEY, REGION, http},
    error::Error,
    runtime,
};

/// Somebody who calls, and the port at which: the emulator's or a proxy's.
pub(crate) struct Caller<'a> {
    pub(crate) port: u16,
    pub(crate) access_key: &'a str,
}

impl Caller<'static> {
    /// The one whose keys tenantctl uses.
    pub(crate) fn operator(port: u16) -> Self {
        Self {
            port,
            access_key: ACCESS_KEY,
        }
    }
}

impl Caller<'_> {
    /// The Query protocol.
    pub(crate) fn call(&self, service: &str, action: &str, params: &[(&str, &str)]) -> Result<String, Error> {
        runtime::block_on(self.ask(service, action, params))
    }

    /// The same from inside the runtime.
    pub(crate) async fn ask(
        &self,
        service: &str,
        action: &str,
        params: &[(&str, &str)],
    ) -> Result<String, Error> {
        let version = api_version(service)?;
        let mut form = vec![("Action", action), ("Version", version)];
        form.extend_from_slice(params);
        let headers = [
            ("authorization", self.authorization(service)),
            (
                "content-type",
                "application/x-www-form-urlencoded; charset=utf-8".to_owned(),
            ),
        ];
        self.post(&headers, http::form(&form)).await
    }

    /// The JSON protocol.
    pub(crate) fn call_json(&self, service: &str, action: &str, body: &Value) -> Result<Value, Error> {
        let headers = [
            ("authorization", self.authorization(service)),
            ("content-type", "application/x-amz-json-1.1".to_owned()),
            ("x-amz-target", format!("{service}.{action}")),
        ];
        let answer = runtime::block_on(self.post(&headers, body.to_string()))?;
        serde_json::from_str(&answer).map_err(|error| Error::Server(format!("{error} in {answer}")))
    }

    async fn post(&self, headers: &[(&str, String)], body: String) -> Result<String, Error> {
        http::post((Ipv4Addr::LOCALHOST, self.port).into(), headers, body).await
    }

    /// The emulator reads the key, the region and the service from this header and checks no signature.
    fn authorization(&self, service: &str) -> String {
        let scope = format!("{}/20200101/{REGION}/{service}/aws4_request", self.access_key);
        format!("AWS4-HMAC-SHA256 Credential={scope}, Signature=none")
    }
}

fn api_version(service: &str) -> Result<&'static str, Error> {
    match service {
        "iam" => Ok("2010-05-08"),
        "sts" => Ok("2011-06-15"),
        "rds" => Ok("2014-10-31"),
        _ => Err(Error::Server(format!(
            "{service} does not speak the Query protocol: use call_json"
        ))),
    }
}
