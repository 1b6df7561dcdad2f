//! A certificate authority, a server certificate and a signing key, made anew for each control
//! plane, so that no tool need be installed and TLS is verified as it would be anywhere.

use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use super::leash::Folder;

/// Where the files are.
#[derive(Debug)]
pub struct Certificates {
    /// Who vouches for the server.
    pub authority: PathBuf,
    /// The server's certificate, for 127.0.0.1 and localhost.
    pub server: PathBuf,
    /// Its key.
    pub server_key: PathBuf,
    /// Signs tokens of service accounts.
    pub service_account_key: PathBuf,
    /// Verifies them.
    pub service_account_public: PathBuf,
}

impl Certificates {
    /// Makes all of them.
    pub fn write(folder: &Folder) -> Self {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority
            .distinguished_name
            .push(DnType::CommonName, "psg-test-authority");
        let key = KeyPair::generate().expect("a key");
        let authority = CertifiedIssuer::self_signed(authority, key).expect("an authority");

        let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
        let mut server = CertificateParams::new(names).expect("names");
        server
            .distinguished_name
            .push(DnType::CommonName, "kube-apiserver");
        let server_key = KeyPair::generate().expect("a key");
        let server = server
            .signed_by(&server_key, &authority)
            .expect("a certificate");

        let signer = KeyPair::generate().expect("a key");
        Self {
            authority: folder.write("ca.crt", &authority.pem()),
            server: folder.write("server.crt", &server.pem()),
            server_key: folder.write("server.key", &server_key.serialize_pem()),
            service_account_key: folder.write("sa.key", &signer.serialize_pem()),
            service_account_public: folder.write("sa.pub", &signer.public_key_pem()),
        }
    }
}
