//! `kubectl psg uninstall`: before the operator goes, says which resources would wait for it for ever,
//! and with `--orphan` or `--delete` has the operator let go of them.
//!
//! It deletes PasswordSyncGroups only, and with `--orphan` sets their deletionPolicy first. What that
//! does in a tenant is done by the operator. The operator itself, its definitions and the
//! IdentityTenants stay.

mod remains;
mod removal;
mod way;

use std::{
    collections::BTreeSet,
    io::{self, IsTerminal, Write},
};

use psg_domain::text;

use crate::{
    args::Uninstall,
    at::At,
    cluster, confirm, live,
    terminal::{self, WIDTH, wrapped},
};
use remains::Remains;
use way::Way;

/// The exit code while something remains.
const REMAINS: u8 = 2;

/// Looks, and removes if it is told to; returns what to print and the exit code.
///
/// # Errors
/// What went wrong and what to do, for a person.
pub async fn run(at: &At, asked: &Uninstall) -> Result<(String, u8), String> {
    let way = match (asked.orphan, asked.delete) {
        (true, _) => Some(Way::Orphan),
        (_, true) => Some(Way::Delete),
        _ => None,
    };
    if way.is_some() && !asked.yes && !io::stdin().is_terminal() {
        return Err(
            "standard input is no terminal, so nobody can confirm this: run it again with --yes"
                .to_owned(),
        );
    }
    let cluster = cluster::connect(at).await?;
    let namespaces = BTreeSet::from([cluster.namespace.clone()]);
    let look = async || match &at.namespace {
        Some(namespace) => live::shown(&cluster, Some(namespace)).await,
        None => live::read(&cluster, &namespaces).await,
    };
    let live = look().await?;
    // What cannot be read may hold a finalizer as well.
    if let Some(warning) = live.warnings.first() {
        return Err(format!("{warning}: this must be known before an uninstall"));
    }
    let remains = Remains::of(&live);
    let Some(way) = way else {
        let code = if remains.is_empty() { 0 } else { REMAINS };
        let page = terminal::print(
            &remains.page().0,
            asked.color.is_on(|it| std::env::var(it).ok()),
        );
        return Ok((page, code));
    };
    remains.may_go(way)?;
    if !remains.groups.is_empty() {
        for line in wrapped(&remains.meaning(way), WIDTH) {
            let _ = writeln!(io::stderr(), "{}", text::line(&line));
        }
        if !asked.yes {
            let words = remains.words(way);
            confirm::by_typing(&format!("\"{words}\""), &words).await?;
        }
        removal::begin(&cluster, &live.groups, way).await?;
    }
    removal::wait(look, asked.timeout).await?;
    let done = Remains::default();
    Ok((terminal::print(&done.page().0, false), 0))
}
