//! The flags, and what they mean. Every flag has an environment variable, and an empty variable
//! counts as not set. [`crate::values`] decides what a single value may be.

use std::{ffi::OsStr, net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Arg, Command, CommandFactory, FromArgMatches, Parser};
use psg_controller::Settings;
use psg_identity::{HostPolicy, address};
use psg_plan::Timers;
use secrecy::SecretString;

use crate::{
    audit::Place,
    election::Terms,
    telemetry::{self, LogFormat},
    values::{self, List},
};

/// Manages SailPoint password sync groups as Kubernetes resources.
///
/// Reaches Kubernetes by its service account inside a cluster, or by KUBECONFIG.
#[derive(Parser, Debug, Clone)]
#[command(name = "psg-operator", version, max_term_width = 100)]
pub struct Args {
    /// Watch this namespace only; may be given several times. Default: all namespaces.
    #[arg(
        long = "watch-namespace",
        env = "PSG_WATCH_NAMESPACES",
        value_parser = values::namespaces,
        value_name = "NAMESPACE"
    )]
    watch_namespaces: Vec<List>,

    /// Where /livez and /readyz are served, and /metrics without --metrics-listen.
    #[arg(long, env = "PSG_LISTEN", default_value = "0.0.0.0:8080", value_parser = values::address)]
    pub listen: SocketAddr,

    /// Where /metrics is served instead, such as 127.0.0.1:9090 for a proxy beside the operator.
    #[arg(long, env = "PSG_METRICS_LISTEN", value_name = "ADDRESS", value_parser = values::address)]
    pub metrics_listen: Option<SocketAddr>,

    /// A domain that credentials may be sent to, with all its subdomains; may be given several times.
    #[arg(
        long = "allow-host",
        env = "PSG_ALLOW_HOSTS",
        value_parser = values::domains,
        value_name = "DOMAIN",
        default_values = address::VENDOR_SUFFIXES
    )]
    allow_hosts: Vec<List>,

    /// For tests and demos: tenants may be reached by http, at loopback and private addresses.
    #[arg(long, env = "PSG_ALLOW_INSECURE_TENANTS", value_parser = values::switch)]
    pub allow_insecure_tenants: bool,

    /// A proxy to tenants, such as http://proxy.example:3128, or `environment` for HTTPS_PROXY and NO_PROXY.
    /// The proxy resolves the tenant's name, so the operator cannot see whether its address is public.
    #[arg(
        long,
        env = "PSG_TENANT_PROXY",
        value_parser = values::secret,
        value_name = "URL|environment",
        hide_env_values = true
    )]
    pub tenant_proxy: Option<SecretString>,

    /// A file of certificate authorities in PEM form, trusted for tenants beside those of the system.
    #[arg(long, env = "PSG_TENANT_CA", value_name = "FILE")]
    pub tenant_ca: Option<PathBuf>,

    /// How long a create whose answer was lost may still take effect. Must be longer than --post-timeout.
    #[arg(long, env = "PSG_SETTLE", default_value = "30s", value_parser = values::duration)]
    pub settle: Duration,

    /// How far apart the two reads begin that prove that a lost create had no effect.
    #[arg(long, env = "PSG_CONFIRM_GAP", default_value = "10s", value_parser = values::duration)]
    pub confirm_gap: Duration,

    /// How long a tenant may take to answer a write.
    #[arg(long, env = "PSG_POST_TIMEOUT", default_value = "8s", value_parser = values::duration)]
    pub post_timeout: Duration,

    /// How often the credentials Secret is read while the credentials are missing or do not work.
    #[arg(long, env = "PSG_CREDENTIALS_RETRY", default_value = "5s", value_parser = values::duration)]
    pub credentials_retry: Duration,

    /// How often a tenant that refuses the credentials is asked again.
    #[arg(long, env = "PSG_PROBE_INTERVAL", default_value = "10m", value_parser = values::duration)]
    pub probe_interval: Duration,

    /// How often every resource is compared again, even if nothing seems to have changed. Calls nobody.
    #[arg(long, env = "PSG_RESYNC", default_value = "10m", value_parser = values::duration)]
    pub resync: Duration,

    /// The Lease that replicas elect their leader by; only the leader acts. Without it there must be
    /// one process alone.
    #[arg(long, env = "PSG_LEASE", value_name = "NAME", value_parser = values::lease)]
    pub lease: Option<String>,

    /// Where the Lease is. Default: the namespace of the service account, or of the kubeconfig.
    #[arg(long, env = "PSG_LEASE_NAMESPACE", value_name = "NAMESPACE", value_parser = values::namespace)]
    pub lease_namespace: Option<String>,

    /// Who this replica is in the Lease; a random part is added. Default: the name of the host.
    #[arg(long, env = "POD_NAME", value_name = "NAME", value_parser = values::replica)]
    pub lease_identity: Option<String>,

    /// How long a leader may act after it renewed the Lease.
    #[arg(long, env = "PSG_LEASE_DURATION", default_value = "15s", value_parser = values::duration)]
    pub lease_duration: Duration,

    /// How often the leader renews the Lease; a standby looks at it twice as often.
    #[arg(long, env = "PSG_LEASE_RENEW", default_value = "2s", value_parser = values::duration)]
    pub lease_renew: Duration,

    /// How long the end of the process waits for writes in hand.
    #[arg(long, env = "PSG_DRAIN", default_value = "15s", value_parser = values::duration)]
    pub drain: Duration,

    /// Where each write to a tenant is told, one JSON line each: a file, `-` for standard output, or
    /// `off`. While it cannot be written, no tenant is.
    #[arg(
        long,
        env = "PSG_AUDIT_LOG",
        default_value = "-",
        value_parser = values::place,
        value_name = "PATH|-|off"
    )]
    pub audit_log: Place,

    /// An annotation of a resource that its audit lines repeat, such as that of a change ticket; may
    /// be given several times.
    #[arg(
        long = "audit-annotations",
        env = "PSG_AUDIT_ANNOTATIONS",
        value_parser = values::annotations,
        value_name = "KEY"
    )]
    audit_annotations: Vec<List>,

    /// The form of the logs on standard error.
    #[arg(
        long,
        env = "PSG_LOG_FORMAT",
        default_value = "json",
        value_parser = values::log_format,
        value_name = "json|text"
    )]
    pub log_format: LogFormat,

    /// What is logged, such as `info` or `psg_controller=debug,info`.
    #[arg(long, env = "RUST_LOG", default_value = "info", value_parser = telemetry::filter)]
    pub log_level: String,
}

/// Flags that do not fit together.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// Nothing but a test has its tenant there.
    #[error(
        "--allow-host \"{0}\" is an address, or a whole top-level domain: name a domain such as api.identitynow.com; in tests, set --allow-insecure-tenants"
    )]
    Host(String),
    /// One of the two could not be served.
    #[error("--metrics-listen and --listen are both {0}: leave --metrics-listen out")]
    Listen(SocketAddr),
    /// A create could take effect after it was looked for.
    #[error(
        "--settle ({settle:?}) must be longer than --post-timeout ({post:?}): a create must have ended before it is looked for"
    )]
    Settle {
        /// `--settle`.
        settle: Duration,
        /// `--post-timeout`.
        post: Duration,
    },
    /// A leader that misses one renewal could not write.
    #[error(
        "--lease-duration ({duration:?}) must be at least --post-timeout ({post:?}) and three times --lease-renew ({renew:?}): a write begins only if it ends, and the process with it, before the lease does"
    )]
    Lease {
        /// `--lease-duration`.
        duration: Duration,
        /// `--post-timeout`.
        post: Duration,
        /// `--lease-renew`.
        renew: Duration,
    },
    /// A new leader could look for a create that the old one still sends.
    #[error(
        "--settle ({settle:?}) must be longer than --lease-duration ({duration:?}) and --post-timeout ({post:?}): a create of the leader before must have ended before it is looked for"
    )]
    Succession {
        /// `--settle`.
        settle: Duration,
        /// `--lease-duration`.
        duration: Duration,
        /// `--post-timeout`.
        post: Duration,
    },
}

impl Args {
    /// What this process was started with. One that cannot be right ends it, with the remedy.
    pub fn read() -> Self {
        let matches = definition(|name| std::env::var_os(name).is_some_and(|value| blank(&value)));
        let read = Self::from_arg_matches(&matches.get_matches());
        read.unwrap_or_else(|error| error.exit())
    }

    /// The namespaces that are watched; none means all.
    pub fn watch_namespaces(&self) -> Vec<String> {
        values::entries(&self.watch_namespaces)
    }

    /// The annotations that lines of the audit trail repeat.
    pub fn audit_annotations(&self) -> Vec<String> {
        values::entries(&self.audit_annotations)
    }

    /// The domains that credentials may be sent to.
    fn allow_hosts(&self) -> Result<Vec<String>, Contradiction> {
        let hosts = values::entries(&self.allow_hosts);
        let odd = |host: &&String| address::is_literal(host) || !host.contains('.');
        match hosts.iter().find(odd) {
            Some(host) if !self.allow_insecure_tenants => Err(Contradiction::Host(host.clone())),
            // Every entry was empty, which is as if the flag were not set.
            _ if hosts.is_empty() => Ok(address::VENDOR_SUFFIXES.map(str::to_owned).into()),
            _ => Ok(hosts),
        }
    }

    /// What the flags decide, once they are found to fit together.
    ///
    /// # Errors
    /// [`Contradiction`], naming the flags.
    pub fn settings(&self) -> Result<Settings, Contradiction> {
        if self.metrics_listen == Some(self.listen) {
            return Err(Contradiction::Listen(self.listen));
        }
        if self.settle <= self.post_timeout {
            return Err(Contradiction::Settle {
                settle: self.settle,
                post: self.post_timeout,
            });
        }
        Ok(Settings {
            timers: Timers {
                settle: self.settle,
                confirm_gap: self.confirm_gap,
            },
            post_timeout: self.post_timeout,
            credentials_retry: self.credentials_retry,
            probe: self.probe_interval,
            resync: self.resync,
            hosts: HostPolicy {
                suffixes: self.allow_hosts()?,
                allow_insecure: self.allow_insecure_tenants,
            },
        })
    }
}

impl Args {
    /// The periods of the lease, if there is one, once they are found to fit the others.
    ///
    /// # Errors
    /// [`Contradiction`], naming the flags.
    pub fn terms(&self) -> Result<Option<Terms>, Contradiction> {
        let terms = Terms {
            duration: self.lease_duration,
            renew: self.lease_renew,
            post_timeout: self.post_timeout,
        };
        if self.lease.is_none() {
            return Ok(None);
        }
        if terms.duration < terms.to_write().saturating_add(terms.renew * 2) {
            return Err(Contradiction::Lease {
                duration: terms.duration,
                post: terms.post_timeout,
                renew: terms.renew,
            });
        }
        if self.settle <= terms.duration.saturating_add(terms.post_timeout) {
            return Err(Contradiction::Succession {
                settle: self.settle,
                duration: terms.duration,
                post: terms.post_timeout,
            });
        }
        Ok(Some(terms))
    }
}

/// The flags, without the variables that are unset or empty.
fn definition(is_empty: impl Fn(&OsStr) -> bool) -> Command {
    Args::command().mut_args(|arg: Arg| match arg.get_env() {
        Some(name) if is_empty(name) => arg.env(None::<&str>),
        _ => arg,
    })
}

fn blank(value: &OsStr) -> bool {
    value.to_str().is_some_and(|value| value.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Args {
        Args::try_parse_from([&["psg-operator"], words].concat()).unwrap()
    }

    #[test]
    fn the_defaults_are_those_of_the_protocols() {
        let settings = parse(&[]).settings().unwrap();
        assert_eq!(settings.timers, Timers::default());
        assert_eq!(settings.post_timeout, Duration::from_secs(8));
        assert!(!settings.hosts.allow_insecure);
    }

    #[test]
    fn a_settle_time_that_ends_before_the_post_is_refused() {
        let args = parse(&["--settle", "5s", "--post-timeout", "8s"]);
        let said = args.settings().unwrap_err().to_string();
        assert!(
            said.contains("--settle") && said.contains("--post-timeout"),
            "{said}"
        );
    }

    #[test]
    fn without_a_lease_its_periods_do_not_matter() {
        let args = parse(&["--settle", "2s", "--post-timeout", "1s"]);
        assert_eq!(args.terms(), Ok(None));
    }

    #[test]
    fn no_write_begins_with_less_than_ten_seconds_of_the_lease_as_shipped() {
        let terms = parse(&["--lease", "l"]).terms().unwrap().unwrap();
        assert_eq!(terms.duration, Duration::from_secs(15));
        assert_eq!(terms.to_write(), Duration::from_secs(10));
        assert_eq!(terms.to_end(), Duration::from_secs(2));
    }

    #[test]
    fn a_lease_that_leaves_no_time_to_write_is_refused() {
        for flags in [
            ["--lease-duration", "13s"],
            ["--lease-renew", "3s"],
            ["--post-timeout", "10s"],
        ] {
            let args = parse(&[&["--lease", "l"], &flags[..]].concat());
            let said = args.terms().unwrap_err().to_string();
            assert!(said.contains("--lease-duration"), "{flags:?}: {said}");
            assert!(said.contains("--lease-renew"), "{flags:?}: {said}");
        }
    }

    #[test]
    fn a_lease_that_leaves_just_enough_is_not() {
        let args = parse(&["--lease", "l", "--lease-duration", "14s"]);
        assert!(args.terms().is_ok());
    }

    #[test]
    fn a_settle_time_that_the_leader_before_could_outlast_is_refused() {
        let said = parse(&["--lease", "l", "--settle", "23s"]).terms();
        let said = said.unwrap_err().to_string();
        assert!(
            said.contains("--settle") && said.contains("--lease-duration"),
            "{said}"
        );
    }
}
