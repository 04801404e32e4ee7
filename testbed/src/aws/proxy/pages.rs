//! Pages, and figures of the account.

use std::sync::Arc;

use http_body_util::Full;
use hyper::{
    Response,
    body::Bytes,
    header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue},
};

use super::{
    Shared,
    call::Call,
    xml::{self, Listing},
};

const DETAILS: &str = "GetAccountAuthorizationDetails";

/// A part of a list.
pub(super) struct Page {
    from: usize,
    count: usize,
    /// What was asked, without the marker.
    question: Vec<u8>,
    /// Whether a marker was given.
    goes_on: bool,
}

/// The answer that pages are cut from, until something else is asked: a later page goes on in the list as it was.
#[derive(Debug, Default)]
pub(super) struct Told(Option<(Vec<u8>, Arc<Listing>)>);

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
        let (from, count) = match marker {
            None if call.action == DETAILS => (0, 0),
            from => (from.unwrap_or(0), count),
        };
        Some(Page {
            from,
            count,
            question: call.body().to_vec(),
            goes_on: marker.is_some(),
        })
    }

    /// A page that goes on in an answer that is known.
    pub(super) fn known(&self, page: Option<&Page>) -> Option<Response<Full<Bytes>>> {
        let page = page.filter(|page| page.goes_on)?;
        let listing = match &self.state().told.0 {
            Some((question, listing)) if question == &page.question => Arc::clone(listing),
            _ => return None,
        };
        let mut response = Response::new(self.aged(listing.page(page.from, page.count)).into());
        let kind = HeaderValue::from_static("text/xml");
        response.headers_mut().insert(CONTENT_TYPE, kind);
        Some(response)
    }

    /// The answer as the caller shall see it.
    pub(super) fn told(&self, call: &Call, page: Option<Page>, answer: Response<Bytes>) -> Response<Bytes> {
        let body = String::from_utf8_lossy(answer.body());
        let told = match page {
            Some(page) => Listing::new(body.clone().into_owned()).map(|listing| {
                let text = listing.page(page.from, page.count);
                self.state().told = Told(Some((page.question, Arc::new(listing))));
                text
            }),
            None if call.action == "GetAccountSummary" => Some(self.summary(&body)),
            None => self
                .state()
                .behaviour
                .everything_is_old
                .then(|| body.into_owned()),
        };
        let Some(told) = told else { return answer };
        let (mut head, _) = answer.into_parts();
        head.headers.remove(CONTENT_LENGTH);
        Response::from_parts(head, self.aged(told).into())
    }

    fn aged(&self, told: String) -> String {
        match self.state().behaviour.everything_is_old {
            true => xml::replace_texts(&told, "CreateDate", "2020-01-01T00:00:00Z"),
            false => told,
        }
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
