//! Pages, and figures of the account.

use hyper::{Response, body::Bytes, header::CONTENT_LENGTH};

use super::{Shared, call::Call, xml};

const DETAILS: &str = "GetAccountAuthorizationDetails";

/// A part of a list.
pub(super) struct Page {
    from: usize,
    count: usize,
}

impl Shared {
    /// The page that a call asks for, where lists come in pages; the call then asks the emulator for everything.
    pub(super) fn page(&self, call: &mut Call) -> Option<Page> {
        let count = self.state().behaviour.page?;
        let is_list =
            call.action.starts_with("List") || [DETAILS, "DescribeDBClusters"].contains(&&*call.action);
        if !is_list || call.json {
            return None;
        }
        let marker = call.ask_for_all().and_then(|marker| marker.parse().ok());
        Some(match marker {
            None if call.action == DETAILS => Page { from: 0, count: 0 },
            from => Page {
                from: from.unwrap_or(0),
                count,
            },
        })
    }

    /// The answer as the caller shall see it.
    pub(super) fn told(&self, call: &Call, page: Option<Page>, answer: Response<Bytes>) -> Response<Bytes> {
        let body = String::from_utf8_lossy(answer.body());
        let told = match page {
            Some(Page { from, count }) => xml::page(&body, from, count),
            None if call.action == "GetAccountSummary" => Some(self.summary(&body)),
            None => None,
        };
        let told = match self.state().behaviour.everything_is_old {
            true => {
                let told = told.as_deref().unwrap_or(&body);
                Some(xml::replace_texts(told, "CreateDate", "2020-01-01T00:00:00Z"))
            }
            false => told,
        };
        let Some(told) = told else { return answer };
        let (mut head, _) = answer.into_parts();
        head.headers.remove(CONTENT_LENGTH);
        Response::from_parts(head, told.into())
    }

    fn summary(&self, body: &str) -> String {
        let behaviour = self.state().behaviour.clone();
        xml::replace_entries(body, |key| {
            let quota = match key {
                "UsersQuota" => behaviour.users,
                "RolesQuota" => behaviour.roles,
                _ => None,
            };
            quota.map(|quota| quota.to_string())
        })
    }
}
