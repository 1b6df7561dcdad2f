//! The way to tenants through a company's network, by the variables that the operator has as well: a
//! proxy, and certificate authorities. IO: reads the file of authorities.

use std::path::Path;

use psg_identity::{Authorities, HttpOptions, TenantProxy};

const PROXY: &str = "PSG_TENANT_PROXY";
const AUTHORITIES: &str = "PSG_TENANT_CA";

/// How tenants are reached, as these variables say; one that is empty counts as not set.
///
/// # Errors
/// What is wrong with a variable; nothing of the proxy's URL is repeated.
pub fn options(
    allow_insecure: bool,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<HttpOptions, String> {
    let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
    let proxy = set(PROXY).map(|value| TenantProxy::named(&value, PROXY, &variable));
    let proxy = proxy.transpose().map_err(|why| why.to_string())?.flatten();
    let read = |file: String| {
        let read = Authorities::read(Path::new(file.trim()));
        read.map_err(|why| format!("{AUTHORITIES} {file} {why}"))
    };
    let authorities = set(AUTHORITIES).map(read).transpose()?;
    Ok(HttpOptions {
        allow_insecure,
        user_agent: concat!("kubectl-psg/", env!("CARGO_PKG_VERSION")).to_owned(),
        proxy,
        authorities: authorities.unwrap_or_default(),
        ..HttpOptions::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(variables: &[(&str, &str)]) -> Result<String, String> {
        let options = options(false, |name| {
            let set = variables.iter().find(|(known, _)| *known == name);
            set.map(|(_, value)| (*value).to_owned())
        })?;
        Ok(format!("{:?}", options.proxy))
    }

    #[test]
    fn a_proxy_is_used_only_if_the_variable_of_the_operator_says_so() {
        let usual = ("HTTPS_PROXY", "http://other.example:1");
        assert_eq!(proxy(&[usual]).unwrap(), "None");
        assert_eq!(proxy(&[usual, (PROXY, " ")]).unwrap(), "None");
        let other = proxy(&[usual, (PROXY, "environment")]);
        assert_eq!(other.unwrap(), "Some(TenantProxy(other.example:1))");
        let own = proxy(&[usual, (PROXY, "http://user:hush@own.example:2")]);
        assert_eq!(own.unwrap(), "Some(TenantProxy(own.example:2))");
    }

    #[test]
    fn a_variable_that_cannot_be_used_is_named_and_a_url_is_not_repeated() {
        let said = proxy(&[(PROXY, "user:hush@own.example:2")]).unwrap_err();
        assert_eq!(
            said,
            "PSG_TENANT_PROXY is no URL of a proxy: give http://HOST:PORT or https://HOST:PORT"
        );
        let said = proxy(&[(AUTHORITIES, "no/such/file")]).unwrap_err();
        assert!(
            said.starts_with("PSG_TENANT_CA no/such/file cannot be read: "),
            "{said}"
        );
    }
}
