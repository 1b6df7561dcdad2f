//! Reports which definitions of the operator's kinds a cluster lacks, and how to install them. The
//! watches themselves only report "404 page not found", again and again.

use std::{sync::Arc, time::Duration};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResourceList;
use kube::{Client, CustomResourceExt, Error, Resource};
use psg_api::{IdentityTenant, PasswordSyncGroup, names};
use psg_controller::Readiness;
use tokio::time::{Instant, timeout};

/// How often the server is asked while something is missing.
const AGAIN: Duration = Duration::from_secs(10);
/// After how long an unchanged report is logged again.
const REMIND: Duration = Duration::from_mins(5);
/// How long one answer may take.
const CALL: Duration = Duration::from_secs(30);

/// Asks until both kinds were listed. The watches begin by themselves once the kinds are served.
pub async fn report_missing(client: Client, readiness: Arc<Readiness>) {
    let mut said: Option<(Vec<String>, Instant)> = None;
    while !readiness.waiting_for().is_empty() {
        let answer = timeout(CALL, client.list_api_group_resources(names::API_VERSION)).await;
        // The watches report a server that does not answer.
        let lacking = answer.ok().and_then(missing);
        if let Some(lacking) = lacking {
            said = report(lacking, said.take());
        }
        tokio::time::sleep(AGAIN).await;
    }
    report(Vec::new(), said);
}

/// Logs a report that is new, or is [`REMIND`] old; returns the last report and its time.
fn report(
    lacking: Vec<String>,
    said: Option<(Vec<String>, Instant)>,
) -> Option<(Vec<String>, Instant)> {
    match said {
        Some((before, at)) if before == lacking && at.elapsed() < REMIND => Some((before, at)),
        None if lacking.is_empty() => None,
        Some(_) if lacking.is_empty() => {
            tracing::info!("the definitions of both kinds are there now");
            None
        }
        _ => {
            tracing::error!("{}", remedy(&lacking));
            Some((lacking, Instant::now()))
        }
    }
}

/// The definitions that a server lacks; none if its answer does not tell.
fn missing(answer: Result<APIResourceList, Error>) -> Option<Vec<String>> {
    let served = match answer {
        Ok(list) => list.resources.into_iter().map(|kind| kind.name).collect(),
        // The code is checked: this answer is plain text, and kube puts a reason of its own into
        // it.
        Err(Error::Api(status)) if status.code == 404 => Vec::new(),
        Err(_) => return None,
    };
    let ours = [
        (IdentityTenant::plural(&()), IdentityTenant::crd_name()),
        (
            PasswordSyncGroup::plural(&()),
            PasswordSyncGroup::crd_name(),
        ),
    ];
    let lacking = ours
        .into_iter()
        .filter(|(plural, _)| !served.contains(&plural.to_string()));
    Some(lacking.map(|(_, name)| name.to_owned()).collect())
}

fn remedy(lacking: &[String]) -> String {
    format!(
        "the cluster has no definition of {} ({}): install them with `kubectl apply --server-side -f crds/` \
         from the sources of version {}, or with the chart (crds.install: true); the operator goes on by \
         itself then",
        lacking.join(" and "),
        names::API_VERSION,
        env!("CARGO_PKG_VERSION"),
    )
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResource;
    use kube::core::Status;

    use super::*;

    const TENANTS: &str = "identitytenants.passwordsync.dev";
    const GROUPS: &str = "passwordsyncgroups.passwordsync.dev";

    fn refused(code: u16, reason: &str) -> Result<APIResourceList, Error> {
        let status = Status::failure("404 page not found", reason).with_code(code);
        Err(Error::Api(Box::new(status)))
    }

    fn serves(plurals: &[&str]) -> APIResourceList {
        let resources = plurals.iter().map(|plural| APIResource {
            name: (*plural).to_owned(),
            ..APIResource::default()
        });
        APIResourceList {
            group_version: names::API_VERSION.to_owned(),
            resources: resources.collect(),
        }
    }

    #[test]
    fn what_is_missing_is_named_with_the_way_to_install_it() {
        let both = missing(refused(404, "Failed to parse error data")).unwrap();
        assert_eq!(both, [TENANTS, GROUPS]);
        let one = missing(Ok(serves(&[
            "passwordsyncgroups",
            "passwordsyncgroups/status",
        ])))
        .unwrap();
        assert_eq!(one, [TENANTS]);
        let said = remedy(&one);
        assert!(said.contains(TENANTS) && !said.contains(GROUPS), "{said}");
        assert!(
            said.contains("kubectl apply --server-side -f crds/"),
            "{said}"
        );
        let all = serves(&["identitytenants", "passwordsyncgroups"]);
        assert_eq!(missing(Ok(all)).unwrap(), [""; 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_is_said_again_only_after_a_while() {
        let lacks = || vec![TENANTS.to_owned()];
        let said = report(lacks(), None).unwrap();
        tokio::time::sleep(REMIND / 2).await;
        let again = report(lacks(), Some(said.clone())).unwrap();
        assert_eq!(again.1, said.1, "it is said again too soon");
        tokio::time::sleep(REMIND / 2).await;
        let again = report(lacks(), Some(again)).unwrap();
        assert_ne!(again.1, said.1, "it is never said again");
        let more = report(vec![TENANTS.to_owned(), GROUPS.to_owned()], Some(again));
        assert_eq!(more.as_ref().map(|(lacking, _)| lacking.len()), Some(2));
        assert_eq!(report(Vec::new(), more), None);
    }

    #[test]
    fn a_server_that_refuses_to_tell_is_not_said_to_lack_anything() {
        assert_eq!(missing(refused(403, "Forbidden")), None);
        assert_eq!(missing(refused(503, "ServiceUnavailable")), None);
    }
}
