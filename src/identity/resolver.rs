//! Resolves names, and refuses a name if one of its addresses is not public. The HTTP client
//! connects to the addresses that were checked, so a hostile name server cannot give it different
//! ones later. IO: the system's resolver.

use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::public_address::is_public;

/// A name resolves to an address that credentials must not be sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the host leads to an address that is not public")]
pub(crate) struct ForbiddenAddress;

/// Asks the system's resolver, and checks the addresses that it finds.
#[derive(Clone, Debug)]
pub(crate) struct Screened {
    /// For tests and demos: any address passes.
    pub allow_insecure: bool,
    /// The host of the proxy, chosen by the person who runs the operator: its address may be private.
    pub proxy: Option<String>,
}

impl Resolve for Screened {
    fn resolve(&self, name: Name) -> Resolving {
        let is_proxy = self.proxy.as_deref() == Some(name.as_str());
        let any_address = self.allow_insecure || is_proxy;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found = screen(found.collect(), any_address)?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// One address that is not public is enough to refuse the name: a public name has no reason for it.
fn screen(found: Vec<SocketAddr>, any_address: bool) -> Result<Vec<SocketAddr>, ForbiddenAddress> {
    if any_address || found.iter().all(|address| is_public(address.ip())) {
        Ok(found)
    } else {
        Err(ForbiddenAddress)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_private_address_spoils_the_answer() {
        let public: SocketAddr = "1.1.1.1:0".parse().unwrap();
        let private: SocketAddr = "169.254.169.254:0".parse().unwrap();
        assert_eq!(screen(vec![public], false), Ok(vec![public]));
        assert_eq!(screen(vec![public, private], false), Err(ForbiddenAddress));
        assert_eq!(screen(vec![private], true), Ok(vec![private]));
    }
}
