//! Twenty-five faults, each at ten moments of a group's life. A cell stops the very call that its
//! phase is about, lets the fault strike, sees that it did, heals the world, and checks what it
//! states; the oracle watches all along. `docs/fault-matrix.md` is written from the same cells.

mod cell;
mod claims;
mod faults;
mod hands;
mod page;
mod play;
mod rows_kube;
mod rows_odd;
mod rows_process;
mod rows_tenant;
mod said;
mod strike;

use cell::Row;

macro_rules! rows {
    ($($module:ident::$row:ident: $name:literal, $how:literal;)*) => {
        /// Every row, in the order of the page.
        fn all() -> Vec<Row> {
            vec![$(Row { name: $name, how: $how, cell: $module::$row }),*]
        }

        $(
            #[tokio::test(start_paused = true)]
            async fn $row() {
                play::row($name, $module::$row).await;
            }
        )*
    };
}

rows! {
    rows_process::death_before: "death before", "The process dies before the call takes place; another starts.";
    rows_process::death_after: "death after", "The process dies after the call took place and before it hears of it; another starts.";
    rows_tenant::lost_request: "request lost", "No answer comes, and the call did not take place.";
    rows_tenant::lost_answer: "answer lost", "No answer comes in time, and the call took place.";
    rows_tenant::rate_limited: "429", "The tenant asks to slow down: in seconds, by a date, without a time, 0, 10⁹, nonsense. The apiserver answers 429.";
    rows_tenant::server_error: "5xx", "500, 502, 503 and 504 before the call takes place, and 502 after it did.";
    rows_tenant::denied: "401, 403", "The tenant refuses the token or its user; the apiserver refuses every write of the operator.";
    rows_tenant::absent: "404", "The route, the group, the source or the resource is not there.";
    rows_tenant::broken_answer: "broken answer", "Half an answer, one of 5 MB, one of a byte a second, or a page of HTML with status 200; and that page to a call that did not take place.";
    rows_kube::stale_watch: "stale watch", "The watch shows the resource 20 s late, and another hand has just changed it three times.";
    rows_kube::conflict: "409, 422", "Another hand changes the resource just before the write, or the apiserver refuses it as invalid.";
    rows_kube::apiserver_down: "apiserver down", "For five minutes the watches are cut and each call of Kubernetes fails; the process makes one at least. Then all is listed afresh.";
    rows_process::lease_lost: "lease lost", "The lease is lost just before the call, and a write of the process is withheld; the process ends a second later, and a successor starts.";
    rows_process::two_leaders: "two leaders", "The process is stopped just before the call; another leads for three minutes; then the first goes on. Aware: the clocks that it asks before each write say that its lease is over. Unaware: they do not, which a write of the tenant cannot meet: it asks them at the last moment, and what is in the socket by then nothing calls back.";
    rows_tenant::another_hand: "another hand", "A person changes the tenant just before the call: makes a twin, renames or deletes our group, gives a source its policy; or takes a source into another group just after the DELETE.";
    rows_kube::secret: "Secret", "For five minutes the Secret is taken away, or lacks what is needed; or the tenant no longer takes what it holds, nor the token in hand, and the Secret follows a minute later. The process runs into it.";
    rows_kube::namespace: "namespace ends", "The resource, the IdentityTenant and the Secret are deleted at once; in a deletion the resource was deleted before.";
    rows_tenant::lagging_reads: "reads lag", "For 25 s every read of groups shows what was 20 s ago. R, just made: when our group was not there yet. DR and F: since the DELETE, and 20 s ago another group had one of the sources.";
    rows_tenant::shifting_pages: "pages shift", "The second page of the list of groups skips one of 260, or repeats one; or it skips our own, which is there; or the total is wrong.";
    rows_process::clock: "clock jumps", "The process dies, and the clock of the next is an hour or two minutes ahead or behind.";
    rows_process::panic: "panic", "The operator's own code panics.";
    rows_process::sigterm: "SIGTERM", "The process is asked to end, and the call goes on 0.1 s later.";
    rows_tenant::concurrent_edit: "concurrent edit", "A person edits what the call is about, between our read and our write, or just after it.";
    rows_tenant::no_route: "no connection", "For fifteen minutes no request leaves for the tenant. It is one answer of the transport, the same where there is no name, no route and no TLS.";
    rows_odd::odd_answer: "odd answer", "From then on, to the end, the tenant answers what no document describes: a group, a source and a policy that cannot be read; a total of one too many; a group that stands in the list twice; no `connectionType`; 404 for its applications, or three times for what policy a source has; sources of 50 KB; a token scope that names no scope. Or its creates fail for five minutes with 500 in its own error form.";
}
