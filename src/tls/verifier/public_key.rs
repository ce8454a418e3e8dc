//! The public key of a certificate.

use super::der::{Reader, tag};
use super::oid;

/// A subject public key.
#[derive(Clone, Copy, Debug)]
pub(super) struct PublicKey<'a> {
    pub(super) algorithm: &'a [u8],
    pub(super) bits: &'a [u8],
}

impl<'a> PublicKey<'a> {
    /// Reads the content of a `SubjectPublicKeyInfo`.
    pub(super) fn parse(info: &'a [u8]) -> Option<Self> {
        let mut info = Reader(info);
        Some(Self {
            algorithm: info.content(tag::SEQUENCE)?,
            bits: info.content(tag::BIT_STRING)?.get(1..)?,
        })
    }

    /// The algorithm identifier, and a reader of its parameters.
    fn kind(&self) -> Option<(&'a [u8], Reader<'a>)> {
        let mut algorithm = Reader(self.algorithm);
        Some((algorithm.content(tag::OBJECT_IDENTIFIER)?, algorithm))
    }

    /// The named curve of the key, if it has one.
    fn curve(&self) -> Option<&'a [u8]> {
        let (kind, mut parameters) = self.kind()?;
        (kind == oid::EC_PUBLIC_KEY).then(|| parameters.content(tag::OBJECT_IDENTIFIER))?
    }

    /// Whether `BoringSSL` accepts such a key from a server.
    pub(super) fn may_be_of_servers(&self) -> bool {
        self.rsa().is_some()
            || self
                .curve()
                .is_some_and(|curve| [oid::P256, oid::P384].contains(&curve))
            || self.kind().is_some_and(|(kind, _)| kind == oid::ED25519)
    }

    /// Whether Chromium accepts such a key in a chain, apart from its length.
    pub(super) fn may_be_in_chains(&self) -> bool {
        self.rsa().is_some()
            || self
                .curve()
                .is_some_and(|curve| [oid::P256, oid::P384, oid::P521].contains(&curve))
    }

    /// The RSA key, if it is one.
    pub(super) fn rsa(&self) -> Option<RsaKey<'a>> {
        let (kind, parameters) = self.kind()?;
        let is_rsa = kind == oid::RSA_ENCRYPTION && parameters.0 == [tag::NULL, 0];
        is_rsa.then(|| RsaKey::parse(self.bits))?
    }
}

/// The numbers of an RSA key, without leading zeros.
#[derive(Clone, Copy, Debug)]
pub(super) struct RsaKey<'a> {
    pub(super) modulus: &'a [u8],
    pub(super) exponent: &'a [u8],
}

impl<'a> RsaKey<'a> {
    /// Parses an `RSAPublicKey`.
    pub(super) fn parse(key: &'a [u8]) -> Option<Self> {
        let mut numbers = Reader(key).enter(tag::SEQUENCE)?;
        let mut number = || {
            let digits = numbers.content(tag::INTEGER)?;
            digits.get(digits.iter().take_while(|&&digit| digit == 0).count()..)
        };
        Some(Self {
            modulus: number()?,
            exponent: number()?,
        })
    }

    /// The length of the modulus in bits.
    pub(super) fn length(&self) -> usize {
        let unused = self
            .modulus
            .first()
            .map_or(0, |digit| digit.leading_zeros());
        // At most seven bits are unused.
        self.modulus.len() * 8 - usize::try_from(unused).unwrap_or(0)
    }
}
