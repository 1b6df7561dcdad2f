//! The certificate authorities that the image trusts: Mozilla's, in the version that Cargo.lock holds.
//!
//! The bundle of the machine that builds would be another one on each machine and each day.

use pem::{EncodeConfig, LineEnding, Pem, encode_many_config};
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

/// Where they come from, and the terms under which they may be passed on.
const HEAD: &str = "\
# Certificate authorities that Mozilla trusts for TLS servers, from the crate webpki-root-certs.
# CDLA-Permissive-2.0: https://cdla.dev/permissive-2-0/
";

/// The bundle, in the form that rustls reads: it passes over what stands outside of a certificate.
pub fn bundle() -> String {
    let certificates = TLS_SERVER_ROOT_CERTS.iter();
    let certificates = certificates.map(|der| Pem::new("CERTIFICATE", der.as_ref()));
    let form = EncodeConfig::new().set_line_ending(LineEnding::LF);
    let certificates = encode_many_config(&certificates.collect::<Vec<_>>(), form);
    format!("{HEAD}{certificates}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_authority_is_in_the_bundle() {
        let read = pem::parse_many(bundle()).unwrap();
        assert!(read.len() > 100, "Mozilla trusts more than {}", read.len());
        let expected: Vec<_> = TLS_SERVER_ROOT_CERTS.iter().map(AsRef::as_ref).collect();
        let read: Vec<_> = read.iter().map(Pem::contents).collect();
        assert_eq!(read, expected);
    }
}
