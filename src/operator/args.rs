//! What was typed, and what it means. Every flag has an environment variable.

use std::{net::SocketAddr, time::Duration};

use clap::{Parser, ValueEnum};
use jiff::SignedDuration;
use psg_controller::Settings;
use psg_identity::HostPolicy;
use psg_plan::Timers;

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
        value_delimiter = ',',
        value_name = "NAMESPACE"
    )]
    pub watch_namespaces: Vec<String>,

    /// Where /livez, /readyz and /metrics are served.
    #[arg(long, env = "PSG_LISTEN", default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,

    /// A domain that credentials may be sent to, with all its subdomains; may be given several times.
    #[arg(
        long = "allow-host",
        env = "PSG_ALLOW_HOSTS",
        value_delimiter = ',',
        value_name = "DOMAIN",
        default_values = psg_identity::address::VENDOR_SUFFIXES
    )]
    pub allow_hosts: Vec<String>,

    /// For tests and demos: tenants may be reached by http, at loopback and private addresses.
    #[arg(long, env = "PSG_ALLOW_INSECURE_TENANTS")]
    pub allow_insecure_tenants: bool,

    /// How long a create whose answer was lost may still take effect. Must be longer than --post-timeout.
    #[arg(long, env = "PSG_SETTLE", default_value = "30s", value_parser = duration)]
    pub settle: Duration,

    /// How far apart the two reads begin that prove that a lost create had no effect.
    #[arg(long, env = "PSG_CONFIRM_GAP", default_value = "10s", value_parser = duration)]
    pub confirm_gap: Duration,

    /// How long a tenant may take to answer a write.
    #[arg(long, env = "PSG_POST_TIMEOUT", default_value = "8s", value_parser = duration)]
    pub post_timeout: Duration,

    /// How often the credentials Secret is read while the credentials are missing or do not work.
    #[arg(long, env = "PSG_CREDENTIALS_RETRY", default_value = "5s", value_parser = duration)]
    pub credentials_retry: Duration,

    /// How often a tenant that refuses the credentials is asked again.
    #[arg(long, env = "PSG_PROBE_INTERVAL", default_value = "10m", value_parser = duration)]
    pub probe_interval: Duration,

    /// How often every resource is compared again, even if nothing seems to have changed. Calls nobody.
    #[arg(long, env = "PSG_RESYNC", default_value = "10m", value_parser = duration)]
    pub resync: Duration,

    /// How long the end of the process waits for writes in hand.
    #[arg(long, env = "PSG_DRAIN", default_value = "15s", value_parser = duration)]
    pub drain: Duration,

    /// The form of the logs on standard error.
    #[arg(long, env = "PSG_LOG_FORMAT", default_value = "json")]
    pub log_format: LogFormat,

    /// What is logged, such as `info` or `psg_controller=debug,info`.
    #[arg(long, env = "RUST_LOG", default_value = "info")]
    pub log_level: String,
}

/// The form of the logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// Flags that do not fit together.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "--settle ({settle:?}) must be longer than --post-timeout ({post:?}): a create must have ended before it is looked for"
)]
pub struct Contradiction {
    settle: Duration,
    post: Duration,
}

impl Args {
    /// What the flags decide, once they are found to fit together.
    ///
    /// # Errors
    /// [`Contradiction`], naming the flags.
    pub fn settings(&self) -> Result<Settings, Contradiction> {
        if self.settle <= self.post_timeout {
            return Err(Contradiction {
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
                suffixes: self
                    .allow_hosts
                    .iter()
                    .map(|host| host.to_ascii_lowercase())
                    .collect(),
                allow_insecure: self.allow_insecure_tenants,
            },
        })
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let parsed: SignedDuration = text.parse().map_err(|_| wrong(text))?;
    Duration::try_from(parsed)
        .ok()
        .filter(|length| !length.is_zero())
        .ok_or_else(|| wrong(text))
}

fn wrong(text: &str) -> String {
    format!("\"{text}\" is not a length of time such as 500ms, 30s or 5m")
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
    fn a_length_of_time_needs_a_unit_and_a_length() {
        for wrong in ["30", "0s", "-5s", "soon"] {
            let words = ["psg-operator", "--settle", wrong];
            assert!(Args::try_parse_from(words).is_err(), "{wrong}");
        }
    }
}
