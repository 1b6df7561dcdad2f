//! The RSA key with which a tenant takes encrypted passwords. No IO.
//!
//! The key is made at its first use, from the tenant's own randomness: one number, one key. It
//! protects nothing and must never protect anything; it lets a client encrypt as for the service,
//! which takes Base64 of RSA with the padding of PKCS#1 v1.5 (developer.sailpoint.com, API v3, Set
//! Identity's Password).

use std::convert::Infallible;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rsa::{
    BoxedUint, PrivateKey, hazmat,
    pkcs8::EncodePublicKey as _,
    rand_core::{TryCryptoRng, TryRng},
    traits::PublicKeyParts as _,
};
use secrecy::SecretString;

use crate::rng::Rng;

const BITS: usize = 2048;
const BYTES: usize = BITS / 8;

/// The key of one tenant, made when it is needed.
#[derive(Debug)]
pub(crate) struct Key {
    seed: u64,
    made: Option<Made>,
}

/// A key that was made.
#[derive(Debug)]
pub(crate) struct Made {
    /// Base64 of a UUID, as in the vendor's example.
    pub(crate) id: String,
    /// Base64 of the public key's X.509 form (SubjectPublicKeyInfo).
    pub(crate) public: String,
    private: PrivateKey,
}

/// Why an encrypted password cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("the key of this tenant cannot be made")]
    NoKey,
    #[error("encryptedPassword is not Base64")]
    NotBase64,
    #[error("encryptedPassword cannot be decrypted with the key publicKeyId")]
    Undecryptable,
}

impl Key {
    /// The key of the tenant with that `rng_seed`.
    pub(crate) fn of(seed: u64) -> Self {
        Self { seed, made: None }
    }

    pub(crate) fn made(&mut self) -> Result<&Made, Unreadable> {
        if self.made.is_none() {
            self.made = Some(Made::from(self.seed)?);
        }
        self.made.as_ref().ok_or(Unreadable::NoKey)
    }
}

impl Made {
    fn from(seed: u64) -> Result<Self, Unreadable> {
        // Apart from the tenant's other randomness: the first use must not change later ids.
        let mut rng = Rng::new(!seed);
        let id = STANDARD.encode(rng.uuid());
        let private = PrivateKey::new(&mut Numbers(rng), BITS).map_err(|_| Unreadable::NoKey)?;
        let public = private.as_public_key().to_public_key_der();
        let public = public.map_err(|_| Unreadable::NoKey)?;
        Ok(Self {
            id,
            public: STANDARD.encode(public.as_bytes()),
            private,
        })
    }

    /// The password in an encrypted text.
    pub(crate) fn decrypt(&self, text: &str) -> Result<SecretString, Unreadable> {
        let cipher = STANDARD.decode(text).map_err(|_| Unreadable::NotBase64)?;
        if cipher.len() != BYTES {
            return Err(Unreadable::Undecryptable);
        }
        let bits = self.private.n().bits_precision();
        let cipher = BoxedUint::from_be_slice(&cipher, bits);
        let cipher = cipher.map_err(|_| Unreadable::Undecryptable)?;
        let padded = hazmat::rsa_decrypt(Option::<&mut Numbers>::None, &self.private, &cipher)
            .map_err(|_| Unreadable::Undecryptable)?
            .to_be_bytes();
        let password = unpadded(&padded).ok_or(Unreadable::Undecryptable)?;
        let password = std::str::from_utf8(password).map_err(|_| Unreadable::Undecryptable)?;
        Ok(SecretString::from(password))
    }
}

/// What is behind `00 02`, eight or more bytes that are not 0, and a 0 (RFC 8017, section 7.2).
fn unpadded(padded: &[u8]) -> Option<&[u8]> {
    let rest = padded.strip_prefix(&[0, 2])?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    (end >= 8).then(|| rest.get(end + 1..)).flatten()
}

/// The tenant's randomness in the form that the crate `rsa` asks for. Fit for tests alone.
struct Numbers(Rng);

impl TryRng for Numbers {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::try_from(self.0.bits() >> 32).unwrap_or(0))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.bits())
    }

    fn try_fill_bytes(&mut self, into: &mut [u8]) -> Result<(), Infallible> {
        for part in into.chunks_mut(8) {
            let bytes = self.0.bits().to_le_bytes();
            for (to, from) in part.iter_mut().zip(bytes) {
                *to = from;
            }
        }
        Ok(())
    }
}

impl TryCryptoRng for Numbers {}

/// Encrypts as a client does, with nothing but what the API shows. Tests only.
#[cfg(test)]
pub(crate) fn encrypt(public: &str, password: &str) -> String {
    use rsa::{PublicKey, pkcs8::DecodePublicKey as _};

    let der = STANDARD.decode(public).unwrap();
    let key = PublicKey::from_public_key_der(&der).unwrap();
    let mut numbers = Numbers(Rng::new(7));
    let cipher = key.pkcs1v15_encrypt_with_rng(&mut numbers, password.as_bytes());
    STANDARD.encode(cipher.unwrap())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn one_seed_gives_one_key_which_reads_what_it_encrypted() {
        let (mut key, mut same) = (Key::of(1), Key::of(1));
        let made = key.made().unwrap();
        assert_eq!(made.public, same.made().unwrap().public);
        let text = encrypt(&made.public, "Grüße, 12 Äpfel");
        let password = made.decrypt(&text).unwrap();
        assert_eq!(password.expose_secret(), "Grüße, 12 Äpfel");
        assert!(!format!("{password:?}").contains("12"));
        let err = |text: &str| made.decrypt(text).map(drop).unwrap_err();
        assert_eq!(err("%"), Unreadable::NotBase64);
        assert_eq!(err("AAAA"), Unreadable::Undecryptable);
        assert_eq!(err(&STANDARD.encode([9; BYTES])), Unreadable::Undecryptable);
        assert_eq!(
            err(&STANDARD.encode([255; BYTES])),
            Unreadable::Undecryptable
        );
    }

    #[test]
    fn only_the_padding_for_encryption_is_taken() {
        let padded = |head: &[u8]| [head, b"secret"].concat();
        let whole = padded(&[0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 0]);
        assert_eq!(unpadded(&whole), Some(&b"secret"[..]));
        for wrong in [
            padded(&[0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 0]),
            padded(&[0, 2, 1, 2, 3, 0]),
            padded(&[0, 2, 1, 2, 3, 4, 5, 6, 7, 8]),
            Vec::new(),
        ] {
            assert_eq!(unpadded(&wrong), None);
        }
    }
}
