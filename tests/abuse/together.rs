//! What authors, owners of tenants and pods do, all of it at once, to one operator.

use serde_json::json;

use super::{
    author::{self, credentials},
    pod, tenant_owner,
    watched::{Ground, meanwhile},
};
use crate::support::many;

/// How many of the neighbour's groups somebody else asks for before they are made.
const SQUATTED: usize = 3;

#[tokio::test]
async fn a_neighbour_notices_nothing_of_all_of_it_at_once() {
    let mut ground = Ground::start("together", author::large_tenant("together")).await;
    let address = ground.abuser.operator().address();
    let watch = ground.watch();
    let Ground { abuser, neighbour } = &mut ground;
    let theirs = credentials(&neighbour.world.tenant);

    abuser.apply_secret_with("theirs", theirs.clone()).await;
    let spec = json!({"readInterval": "10s", "identityAPIVersion": "v1"});
    abuser.apply_tenant("theirs", "theirs", spec).await;
    for n in neighbour.next()..neighbour.next() + SQUATTED {
        let sources = ["a", "b"].map(|which| format!("Source {n:05} {which}"));
        let [a, b] = &sources;
        let (name, wanted) = (format!("squats-{n}"), many::group_name(n));
        author::squat(abuser, &name, "theirs", &wanted, &[a, b]).await;
    }
    tenant_owner::narrow_rate(abuser, theirs).await;
    let begin = async {
        tokio::join!(
            author::apply_near_misses(abuser),
            tenant_owner::many_on_one_secret(abuser),
            tenant_owner::with_annotations(abuser, "heavy", 200_000),
            tenant_owner::endless(abuser),
            pod::flood(address),
        );
    };
    tokio::join!(neighbour.notices_nothing(5), begin);
    let go_on = async |round| {
        tokio::join!(author::edit_near_misses(abuser, round), pod::flood(address));
    };
    let rounds = meanwhile(neighbour.notices_nothing(4), go_on).await;
    eprintln!("{rounds} more rounds");
    watch.nothing_missed_in_a_flood();
}
