//! The command line: commands, arguments and options.

use std::{path::PathBuf, time::Duration};

use clap::{Parser, Subcommand};
use clap_complete::engine::ArgValueCompleter;
use jiff::SignedDuration;
use psg_domain::ChangeId;

use crate::{at::At, candidates, terminal::Colour};

/// Shows what psg-operator would do, explains what it says, and pauses, resumes or hurries a
/// PasswordSyncGroup.
#[derive(Parser, Debug, Clone, PartialEq, Eq)]
#[command(
    name = "kubectl-psg",
    bin_name = "kubectl psg",
    version,
    max_term_width = 100
)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// Which cluster and namespace it is about.
    #[command(flatten)]
    pub at: At,
}

/// The commands.
#[derive(Subcommand, Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Say what a reason means, where to look and what to do; without a reason, list all. Needs no cluster.
    Explain {
        /// The word under REASON in `kubectl get psg`, such as SourceNotFound.
        #[arg(add = ArgValueCompleter::new(candidates::reasons))]
        reason: Option<String>,
    },
    /// Say what the operator would do with manifests, and write nothing.
    ///
    /// Without a cluster, if SAIL_BASE_URL, SAIL_CLIENT_ID and SAIL_CLIENT_SECRET are set or --tenant is
    /// given. With a cluster otherwise: the tenant and its Secret are read with your own rights, and what
    /// each resource's status records counts.
    ///
    /// Exits 0 if there is nothing to do, 2 if there are changes, 3 if a rule refuses one, 1 if it could not
    /// tell.
    Plan(Plan),
    /// List the sources of the tenants: whether a group may have them, and which group has them.
    ///
    /// The tenants are those of the IdentityTenants of the namespace, read with your own rights. If
    /// SAIL_BASE_URL, SAIL_CLIENT_ID and SAIL_CLIENT_SECRET are set or --tenant is given, it is these, and no
    /// cluster is asked: no source then shows a resource.
    Sources(Sources),
    /// List the password policies of the tenants, and the groups and sources that have them.
    ///
    /// Finds the tenants as `kubectl psg sources` does.
    Policies(Listing),
    /// List the password sync groups of the tenants, and the PasswordSyncGroup that has each.
    ///
    /// A group without one can be adopted: `kubectl psg export` writes a manifest for it. Finds the tenants as
    /// `kubectl psg sources` does.
    Groups(Listing),
    /// Write manifests of the password sync groups that tenants have.
    ///
    /// To apply them changes nothing: they only look at the groups. A group that cannot be managed as it is
    /// stands there as a comment, with the reason; so does one that a PasswordSyncGroup of the cluster has
    /// already. Finds the tenants as `kubectl psg sources` does.
    Export(Export),
    /// Compare two tenants by names: which groups differ, and what one lacks for the groups of the other.
    ///
    /// The tenants are two IdentityTenants of the namespace, read with your own rights. If SAIL_BASE_URL,
    /// SAIL_CLIENT_ID and SAIL_CLIENT_SECRET are set or --tenant is given, no cluster is asked: --from and --to
    /// are names of --tenant, and a name that is not among them is the tenant of the environment.
    ///
    /// Exits 0 if they are equal, 2 if they differ, 1 if it could not tell.
    Diff(Diff),
    /// Say why a password change may not reach all sources of a group, what to do and whom to ask.
    ///
    /// Looks for what the vendor's guide names, in its order: sources that the tenant cannot reach,
    /// prerequisites of a sync group, policies that do not align, password changes that failed or reached
    /// some sources only. Finds the tenants as `kubectl psg sources` does, and reads them only.
    ///
    /// Exits 0 if nothing is found, 2 if something is, 1 if it could not tell.
    Doctor(Doctor),
    /// Say at a glance which tenants and groups are ready, and what the others wait for.
    ///
    /// Reads what the operator wrote into the statuses, with your own rights; asks no tenant.
    ///
    /// Exits 0 if all are ready, 2 if some are not, 1 if it could not tell.
    Status(Status),
    /// Ask the operator to read the tenant now.
    Reconcile {
        /// The PasswordSyncGroup: NAME or psg/NAME.
        #[arg(value_parser = crate::name::parse, add = ArgValueCompleter::new(candidates::groups))]
        name: String,
    },
    /// Write nothing to the tenant for a while, a deletion included.
    Pause {
        /// The PasswordSyncGroup: NAME or psg/NAME.
        #[arg(value_parser = crate::name::parse, add = ArgValueCompleter::new(candidates::groups))]
        name: String,
        /// How long, such as 30m, 2h or 2h30m; at most 8760h.
        #[arg(long = "for", value_name = "LENGTH", value_parser = length)]
        length: Duration,
    },
    /// End a pause.
    Resume {
        /// The PasswordSyncGroup: NAME or psg/NAME.
        #[arg(value_parser = crate::name::parse, add = ArgValueCompleter::new(candidates::groups))]
        name: String,
    },
    /// Set deletionPolicy: Orphan, so that deleting the resource leaves the group in the tenant.
    ///
    /// Says what that means, and asks for the name. Deletes nothing.
    Orphan(Orphan),
    /// Say what would wait for ever for an operator that is gone; with --orphan or --delete, have it let go.
    ///
    /// Run it before the operator is uninstalled, while it runs. It looks at all namespaces, or with -n at
    /// one. The operator, its definitions and the IdentityTenants stay.
    ///
    /// Exits 0 if nothing holds a finalizer of the operator, 2 if something does, 1 if it could not tell or
    /// did not end in time.
    Uninstall(Uninstall),
    /// Print a script that has a shell complete commands, flags, and names of the cluster's resources.
    ///
    /// `source <(kubectl psg completion bash)` completes `kubectl-psg`. For `kubectl psg`, kubectl asks a program
    /// named `kubectl_complete-psg`: make that name a link to kubectl-psg, in a folder of PATH.
    Completion {
        /// The shell.
        shell: Shell,
    },
}

/// The shells that there are scripts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[allow(missing_docs)] // the words say it
pub enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
}

/// What `plan` is told.
#[derive(clap::Args, Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// A file of manifests, a folder of such files, or - for standard input; may be given several times.
    #[arg(short, long = "filename", value_name = "FILE|DIR|-")]
    pub files: Vec<PathBuf>,

    /// A folder with a kustomization, built by `kubectl kustomize`; may be given several times.
    #[arg(short, long, value_name = "DIR")]
    pub kustomize: Vec<PathBuf>,

    /// The manifests as they are before the change: a file, a folder, or one with a kustomization.yaml.
    /// What is there and not in -f or -k is deleted. The plan begins where these are in place.
    #[arg(long, value_name = "FILE|DIR")]
    pub base: Vec<PathBuf>,

    /// A PasswordSyncGroup of the cluster that is deleted: NAME or psg/NAME; may be given several times.
    #[arg(
        long,
        value_name = "NAME",
        value_parser = crate::name::parse,
        add = ArgValueCompleter::new(candidates::groups)
    )]
    pub delete: Vec<String>,

    /// Each PasswordSyncGroup of the cluster is deleted that is in a namespace of the manifests and not
    /// among them.
    #[arg(long)]
    pub prune: bool,

    /// How the plan is printed.
    #[arg(short, long, value_enum, default_value_t, value_name = "FORM")]
    pub output: Form,

    /// When text has colours.
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Colour,

    /// How tenants are reached.
    #[command(flatten)]
    pub access: Access,
}

/// What `sources` is told.
#[derive(clap::Args, Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    /// Count the accounts of each source: one request for each.
    #[arg(long)]
    pub accounts: bool,

    /// The rest.
    #[command(flatten)]
    pub listing: Listing,
}

/// What a list is told.
#[derive(clap::Args, Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// How the list is printed.
    #[arg(short, long, value_enum, default_value_t, value_name = "FORM")]
    pub output: Shape,

    /// When text has colours.
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Colour,

    /// How tenants are reached.
    #[command(flatten)]
    pub access: Access,
}

/// What `export` is told.
#[derive(clap::Args, Debug, Clone, Default, PartialEq, Eq)]
pub struct Export {
    /// The name or the id of a group; left out, it is all groups.
    #[arg(value_name = "GROUP")]
    pub groups: Vec<String>,

    /// Write manifests that take the groups over: managementPolicy Enforce, and the group is deleted with its
    /// resource unless deletionPolicy is set to Orphan.
    #[arg(long)]
    pub takeover: bool,

    /// Leave ids out, so that the manifests may be applied to another tenant: groups, policies and sources
    /// are found by name.
    #[arg(long)]
    pub portable: bool,

    /// Write a file for each group and a kustomization.yaml into this folder, and overwrite none.
    #[arg(short, long, value_name = "DIR")]
    pub directory: Option<PathBuf>,

    /// How tenants are reached.
    #[command(flatten)]
    pub access: Access,
}

/// What `diff` is told.
#[derive(clap::Args, Debug, Clone, PartialEq, Eq)]
pub struct Diff {
    /// The tenant that is compared.
    #[arg(long, value_name = "TENANT", add = ArgValueCompleter::new(candidates::tenants))]
    pub from: String,

    /// The tenant that it is compared with.
    #[arg(long, value_name = "TENANT", add = ArgValueCompleter::new(candidates::tenants))]
    pub to: String,

    /// How the report is printed.
    #[command(flatten)]
    pub report: Report,

    /// How tenants are reached.
    #[command(flatten)]
    pub access: Access,
}

/// What `doctor` is told.
#[derive(clap::Args, Debug, Clone, PartialEq, Eq)]
pub struct Doctor {
    /// One group: the name of its PasswordSyncGroup, or its name or id in the tenant. Left out: all.
    #[arg(add = ArgValueCompleter::new(candidates::groups))]
    pub name: Option<String>,

    /// How far back password changes are looked at, such as 30m or 24h; at most 8760h.
    #[arg(long, value_name = "LENGTH", value_parser = back, default_value = "24h")]
    pub since: Duration,

    /// Only the password change with this id, within that time: did it reach every source?
    #[arg(long, value_name = "ID", value_parser = change)]
    pub change: Option<ChangeId>,

    /// Have the tenant connect to each source now; needs the scope idn:source-connector:manage.
    #[arg(long)]
    pub test_connection: bool,

    /// How the report is printed.
    #[arg(short, long, value_enum, default_value_t, value_name = "FORM")]
    pub output: DiagnosisForm,

    /// When text has colours.
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Colour,

    /// How tenants are reached.
    #[command(flatten)]
    pub access: Access,
}

/// What `status` is told.
#[derive(clap::Args, Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The resources of all namespaces.
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,

    /// How the report is printed.
    #[command(flatten)]
    pub report: Report,
}

/// What `orphan` is told.
#[derive(clap::Args, Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// The PasswordSyncGroup: NAME or psg/NAME.
    #[arg(value_parser = crate::name::parse, add = ArgValueCompleter::new(candidates::groups))]
    pub name: String,

    /// Do not ask.
    #[arg(short, long)]
    pub yes: bool,
}

/// What `uninstall` is told.
#[derive(clap::Args, Debug, Clone, PartialEq, Eq)]
pub struct Uninstall {
    /// Delete every PasswordSyncGroup, and leave the groups in their tenants as they are.
    #[arg(long, conflicts_with = "delete")]
    pub orphan: bool,

    /// Delete every PasswordSyncGroup, and with it its group in the tenant.
    #[arg(long)]
    pub delete: bool,

    /// Do not ask.
    #[arg(short, long)]
    pub yes: bool,

    /// How long to wait until the operator has let go, such as 10m.
    #[arg(long, value_name = "LENGTH", value_parser = length, default_value = "10m")]
    pub timeout: Duration,

    /// When text has colours.
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Colour,
}

/// How a report is printed, and where it has colours.
#[derive(clap::Args, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// How it is printed.
    #[arg(short, long, value_enum, default_value_t, value_name = "FORM")]
    pub output: Output,

    /// When text has colours.
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Colour,
}

/// How a report is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Text,
    /// A versioned document for programs.
    Json,
    /// The same as YAML.
    Yaml,
}

/// How a diagnosis is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum DiagnosisForm {
    /// For people.
    #[default]
    Text,
    /// A versioned document for programs.
    Json,
    /// The same as YAML.
    Yaml,
    /// One page for a ticket, without scripts.
    Html,
}

/// How a list is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Shape {
    /// A table.
    #[default]
    Text,
    /// A table with more columns.
    Wide,
    /// A versioned document for programs.
    Json,
    /// The same as YAML.
    Yaml,
}

/// How tenants are reached.
#[derive(clap::Args, Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// The credentials of one tenant, which a tenantRef has this name for: a file of lines such as
    /// SAIL_BASE_URL=https://acme.api.identitynow.com. May be given several times.
    #[arg(long, value_name = "NAME=FILE", value_parser = tenant)]
    pub tenant: Vec<(String, PathBuf)>,

    /// A domain that the credentials may be sent to, beside the vendor's own.
    #[arg(long, value_name = "DOMAIN")]
    pub allow_host: Vec<String>,

    /// For tests and demos: the tenant may be reached by http, at loopback and private addresses.
    #[arg(long)]
    pub allow_insecure_tenants: bool,
}

fn tenant(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, file)) if !name.is_empty() && !file.is_empty() => {
            Ok((name.to_owned(), PathBuf::from(file)))
        }
        _ => Err("give the name of an IdentityTenant and a file, such as default=acme.env".into()),
    }
}

/// How a plan is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// For people.
    #[default]
    Text,
    /// A versioned document for programs.
    Json,
    /// The same as YAML.
    Yaml,
    /// A comment of a pull request.
    Markdown,
    /// One page for a change ticket.
    Html,
}

/// The longest pause: a year. Longer is a resource that wants another managementPolicy.
const LONGEST: Duration = Duration::from_hours(8760);

fn length(text: &str) -> Result<Duration, String> {
    up_to_a_year(text, ": managementPolicy: Observe writes nothing for good")
}

fn back(text: &str) -> Result<Duration, String> {
    up_to_a_year(text, "")
}

fn up_to_a_year(text: &str, rather: &str) -> Result<Duration, String> {
    let parsed: Option<SignedDuration> = text.parse().ok();
    let length = parsed.and_then(|length| Duration::try_from(length).ok());
    match length {
        Some(length) if length > LONGEST => Err(format!("longer than a year (8760h){rather}")),
        Some(length) if !length.is_zero() => Ok(length),
        _ => Err(format!(
            "\"{text}\" is not a length of time such as 30m, 2h or 2h30m"
        )),
    }
}

fn change(text: &str) -> Result<ChangeId, String> {
    ChangeId::parse(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(words: &str) -> Result<Args, String> {
        let words = std::iter::once("kubectl-psg").chain(words.split_whitespace());
        Args::try_parse_from(words).map_err(|error| error.to_string())
    }

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn namespace_and_context_may_stand_anywhere_behind_the_command() {
        let args = parse("pause corporate --for 2h -n identity --context prod").unwrap();
        assert_eq!(args.at.namespace.as_deref(), Some("identity"));
        assert_eq!(args.at.context.as_deref(), Some("prod"));
        let length = Duration::from_hours(2);
        let name = "corporate".to_owned();
        assert_eq!(args.command, Command::Pause { name, length });
        let args = parse("explain Drifted --namespace identity").unwrap();
        assert_eq!(
            args.command,
            Command::Explain {
                reason: Some("Drifted".to_owned())
            }
        );
    }

    #[test]
    fn explain_may_be_asked_for_all() {
        let args = parse("explain").unwrap();
        assert_eq!(args.command, Command::Explain { reason: None });
        assert_eq!(args.at.namespace, None);
    }

    #[test]
    fn a_pause_needs_a_length_with_a_unit_and_an_end() {
        for good in ["30m", "2h", "2h30m", "90s", "8760h"] {
            assert!(parse(&format!("pause a --for {good}")).is_ok(), "{good}");
        }
        for bad in ["2", "0s", "-2h", "soon", "9000h", ""] {
            assert!(parse(&format!("pause a --for {bad}")).is_err(), "{bad}");
        }
        let said = parse("pause a").unwrap_err();
        assert!(said.contains("--for <LENGTH>"), "{said}");
    }

    #[test]
    fn what_needs_a_name_says_so() {
        for command in ["reconcile", "resume", "pause --for 2h", "orphan --yes"] {
            let said = parse(command).unwrap_err();
            assert!(said.contains("<NAME>"), "{said}");
        }
    }

    /// Every command as `--help` prints it.
    fn help() -> String {
        let mut command = Args::command().term_width(100);
        command.build();
        let mut page = String::new();
        for command in command.get_subcommands_mut() {
            if command.get_name() == "help" {
                continue;
            }
            let help = command.render_long_help().to_string();
            let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
            let help = lines.join("\n");
            let name = command.get_name();
            page = format!(
                "{page}\n## kubectl psg {name}\n\n```text\n{}\n```\n",
                help.trim_end()
            );
        }
        page
    }

    #[test]
    fn the_page_shows_what_help_prints() {
        const MARK: &str = "<!-- What follows is printed by the program: PSG_BLESS=1 cargo test -p psg-plugin the_page -->\n";
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/kubectl-psg.md");
        let page = std::fs::read_to_string(file).unwrap();
        let (written, shown) = page.split_once(MARK).unwrap();
        if std::env::var_os("PSG_BLESS").is_some() {
            std::fs::write(file, format!("{written}{MARK}{}", help())).unwrap();
            return;
        }
        assert_eq!(
            shown,
            help(),
            "PSG_BLESS=1 cargo test -p psg-plugin the_page"
        );
    }
}
