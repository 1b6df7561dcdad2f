//! How many applications each source has. Only a source that joins a group needs this count, so the
//! rest of the tenant is read even if the applications cannot be.

use std::collections::BTreeMap;

use psg_domain::{Source, SourceId, Unreadable};
use psg_identity::{Client, Error, Lane};

use crate::walk;

/// The result of a read of the applications.
#[derive(Debug, Default)]
pub(crate) struct Applications {
    /// How many applications each source has. A source without an entry was not counted.
    pub counts: BTreeMap<SourceId, u32>,
    /// The applications that cannot be read as a whole.
    pub unreadable: Vec<Unreadable>,
    /// What is wrong with the list, in words.
    pub doubt: Option<String>,
}

/// Reads one list for the whole tenant. If that fails, reads the connections of each authentication
/// source, which is all that the rules need.
///
/// # Errors
/// Only what concerns the whole tenant: the credentials are refused, or nothing can be sent.
pub(crate) async fn read(client: &Client, sources: &[Source]) -> Result<Applications, Error> {
    let listed = walk::complete(
        |page| client.list_applications(page, Lane::Read),
        |application| application.id.as_str(),
    );
    let walked = match listed.await {
        Ok(walked) => walked,
        Err(why) => return of_each(client, sources, of_the_list(why)?).await,
    };
    let none = sources.iter().map(|source| (source.id.clone(), 0));
    let mut counts: BTreeMap<SourceId, u32> = none.collect();
    let found = walked.items.into_iter();
    let found = found.filter_map(|application| application.source);
    let without_id = walked.unreadable.iter().flat_map(|odd| &odd.sources);
    for source in found.chain(without_id.cloned()) {
        let count = counts.entry(source).or_default();
        *count = count.saturating_add(1);
    }
    Ok(Applications {
        counts,
        unreadable: walked.unreadable,
        doubt: walked.differs.map(|differs| differs.to_string()),
    })
}

async fn of_each(
    client: &Client,
    sources: &[Source],
    mut why: Error,
) -> Result<Applications, Error> {
    let mut counts = BTreeMap::new();
    let mut unknown = 0_usize;
    // If the tenant does not answer, or asks to wait, the remaining sources are not asked about.
    let mut goes_on = !is_of_the_moment(&why);
    for source in sources.iter().filter(|source| source.authenticates) {
        if !goes_on {
            unknown += 1;
            continue;
        }
        match client.connections(&source.id, Lane::Read).await {
            Ok(Some(count)) => {
                counts.insert(source.id.clone(), count);
            }
            // The source was just listed, so it is not gone: its connections cannot be read.
            Ok(None) => unknown += 1,
            Err(error) => {
                why = of_the_list(error)?;
                goes_on = !is_of_the_moment(&why);
                unknown += 1;
            }
        }
    }
    let doubt = (unknown > 0).then(|| {
        format!(
            "the applications of {unknown} authentication sources cannot be read, and count as they \
             did last: {}",
            in_words(&why)
        )
    });
    Ok(Applications {
        counts,
        doubt,
        ..Applications::default()
    })
}

/// The error, if it says nothing about the rest of the tenant.
fn of_the_list(error: Error) -> Result<Error, Error> {
    match error {
        Error::Unauthorized { .. } | Error::NotSent { .. } | Error::NoToken { .. } => Err(error),
        _ => Ok(error),
    }
}

fn is_of_the_moment(error: &Error) -> bool {
    matches!(error, Error::Unknown { .. } | Error::RateLimited { .. })
}

/// Words that are the same in every read: the tenant's own message contains an id of the request.
fn in_words(error: &Error) -> String {
    match error {
        Error::Refused { status, .. } => format!("refused with status {status}"),
        Error::Forbidden { .. } => "forbidden".to_owned(),
        Error::NotFound { .. } => "not found".to_owned(),
        Error::RateLimited { .. } => "rate limited".to_owned(),
        error => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keeps_every_request_from_the_tenant_is_no_trouble_of_one_list() {
        let why = String::new;
        assert!(of_the_list(Error::not_sent(why())).is_err());
        assert!(of_the_list(Error::NoToken { why: why() }).is_err());
        assert!(of_the_list(Error::Unauthorized { message: why() }).is_err());
        assert!(of_the_list(Error::Forbidden { message: why() }).is_ok());
    }
}
