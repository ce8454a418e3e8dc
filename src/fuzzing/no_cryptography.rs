//! TLS with null cryptography: encryption is the identity, all hashes are equal, and every key
//! exchange agrees. A recorded server flight is therefore valid for every client, and remains valid
//! after most mutations. Signatures are real, including those of certificates.

use std::sync::Arc;

use rustls::crypto::cipher::{
    AeadKey, InboundOpaqueMessage, InboundPlainMessage, Iv, KeyBlockShape, MessageDecrypter,
    MessageEncrypter, OutboundOpaqueMessage, OutboundPlainMessage, PrefixedPayload,
    Tls12AeadAlgorithm, Tls13AeadAlgorithm, UnsupportedOperationError,
};
use rustls::crypto::hash::{self, HashAlgorithm};
use rustls::crypto::tls12::Prf;
use rustls::crypto::tls13::HkdfUsingHmac;
use rustls::crypto::{
    ActiveKeyExchange, CipherSuiteCommon, CryptoProvider, GetRandomFailed, KeyExchangeAlgorithm,
    SecureRandom, SharedSecret, SupportedKxGroup, hmac,
};
use rustls::pki_types::CertificateDer;
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{
    CipherSuite, ConnectionTrafficSecrets, ContentType, Error, NamedGroup, ProtocolVersion,
    SignatureAlgorithm, SignatureScheme, SupportedCipherSuite, Tls12CipherSuite, Tls13CipherSuite,
};

use crate::tls::verifier;

/// The module's signature verification with null ciphers.
pub(super) fn provider() -> CryptoProvider {
    CryptoProvider {
        cipher_suites: vec![
            SupportedCipherSuite::Tls13(&TLS13),
            SupportedCipherSuite::Tls12(&TLS12),
        ],
        kx_groups: vec![&Group(NamedGroup::X25519), &Group(NamedGroup::secp256r1)],
        secure_random: &NoRandom,
        ..verifier::provider()
    }
}

/// A client certificate, and a key that produces a constant signature.
pub(super) fn identity() -> Arc<CertifiedKey> {
    let certificate = CertificateDer::from(super::SERVER);
    Arc::new(CertifiedKey::new(vec![certificate], Arc::new(NoKey)))
}

static TLS13: Tls13CipherSuite = Tls13CipherSuite {
    common: CipherSuiteCommon {
        suite: CipherSuite::TLS13_AES_128_GCM_SHA256,
        hash_provider: &NoHash,
        confidentiality_limit: u64::MAX,
    },
    hkdf_provider: &HkdfUsingHmac(&NoHash),
    aead_alg: &NoCipher,
    quic: None,
};

static TLS12: Tls12CipherSuite = Tls12CipherSuite {
    common: CipherSuiteCommon {
        suite: CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        hash_provider: &NoHash,
        confidentiality_limit: u64::MAX,
    },
    prf_provider: &NoHash,
    kx: KeyExchangeAlgorithm::ECDHE,
    sign: &[
        SignatureScheme::ECDSA_NISTP256_SHA256,
        SignatureScheme::ECDSA_NISTP384_SHA384,
    ],
    aead_alg: &NoCipher,
};

#[derive(Debug)]
struct NoRandom;

impl SecureRandom for NoRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), GetRandomFailed> {
        bytes.fill(7);
        Ok(())
    }
}

#[derive(Debug)]
struct Group(NamedGroup);

impl SupportedKxGroup for Group {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        Ok(Box::new(Self(self.0)))
    }

    fn name(&self) -> NamedGroup {
        self.0
    }
}

impl ActiveKeyExchange for Group {
    fn complete(self: Box<Self>, _: &[u8]) -> Result<SharedSecret, Error> {
        Ok(SharedSecret::from(&[7; 32][..]))
    }

    fn pub_key(&self) -> &[u8] {
        &[7; 32]
    }

    fn group(&self) -> NamedGroup {
        self.0
    }
}

const HASH: [u8; 32] = [7; 32];

struct NoHash;

impl hash::Hash for NoHash {
    fn start(&self) -> Box<dyn hash::Context> {
        Box::new(Self)
    }

    fn hash(&self, _: &[u8]) -> hash::Output {
        hash::Output::new(&HASH)
    }

    fn output_len(&self) -> usize {
        HASH.len()
    }

    fn algorithm(&self) -> HashAlgorithm {
        HashAlgorithm::SHA256
    }
}

impl hash::Context for NoHash {
    fn fork_finish(&self) -> hash::Output {
        hash::Output::new(&HASH)
    }

    fn fork(&self) -> Box<dyn hash::Context> {
        Box::new(Self)
    }

    fn finish(self: Box<Self>) -> hash::Output {
        hash::Output::new(&HASH)
    }

    fn update(&mut self, _: &[u8]) {}
}

impl hmac::Hmac for NoHash {
    fn with_key(&self, _: &[u8]) -> Box<dyn hmac::Key> {
        Box::new(Self)
    }

    fn hash_output_len(&self) -> usize {
        HASH.len()
    }
}

impl hmac::Key for NoHash {
    fn sign_concat(&self, _: &[u8], _: &[&[u8]], _: &[u8]) -> hmac::Tag {
        hmac::Tag::new(&HASH)
    }

    fn tag_len(&self) -> usize {
        HASH.len()
    }
}

impl Prf for NoHash {
    fn for_key_exchange(
        &self,
        output: &mut [u8; 48],
        _: Box<dyn ActiveKeyExchange>,
        _: &[u8],
        _: &[u8],
        _: &[u8],
    ) -> Result<(), Error> {
        output.fill(7);
        Ok(())
    }

    fn for_secret(&self, output: &mut [u8], _: &[u8], _: &[u8], _: &[u8]) {
        output.fill(7);
    }
}

struct NoCipher;

impl Tls13AeadAlgorithm for NoCipher {
    fn encrypter(&self, _: AeadKey, _: Iv) -> Box<dyn MessageEncrypter> {
        Box::new(Plain13)
    }

    fn decrypter(&self, _: AeadKey, _: Iv) -> Box<dyn MessageDecrypter> {
        Box::new(Plain13)
    }

    fn key_len(&self) -> usize {
        16
    }

    fn extract_keys(
        &self,
        _: AeadKey,
        _: Iv,
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        Err(UnsupportedOperationError)
    }
}

impl Tls12AeadAlgorithm for NoCipher {
    fn encrypter(&self, _: AeadKey, _: &[u8], _: &[u8]) -> Box<dyn MessageEncrypter> {
        Box::new(Plain12)
    }

    fn decrypter(&self, _: AeadKey, _: &[u8]) -> Box<dyn MessageDecrypter> {
        Box::new(Plain12)
    }

    fn key_block_shape(&self) -> KeyBlockShape {
        KeyBlockShape {
            enc_key_len: 16,
            fixed_iv_len: 4,
            explicit_nonce_len: 8,
        }
    }

    fn extract_keys(
        &self,
        _: AeadKey,
        _: &[u8],
        _: &[u8],
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        Err(UnsupportedOperationError)
    }
}

/// TLS 1.3 puts the inner content type at the end.
struct Plain13;

impl MessageEncrypter for Plain13 {
    fn encrypt(
        &mut self,
        message: OutboundPlainMessage<'_>,
        _: u64,
    ) -> Result<OutboundOpaqueMessage, Error> {
        let length = self.encrypted_payload_len(message.payload.len());
        let mut payload = PrefixedPayload::with_capacity(length);
        payload.extend_from_chunks(&message.payload);
        payload.extend_from_slice(&[message.typ.into()]);
        Ok(OutboundOpaqueMessage::new(
            ContentType::ApplicationData,
            ProtocolVersion::TLSv1_2,
            payload,
        ))
    }

    fn encrypted_payload_len(&self, length: usize) -> usize {
        length + 1
    }
}

impl MessageDecrypter for Plain13 {
    fn decrypt<'a>(
        &mut self,
        message: InboundOpaqueMessage<'a>,
        _: u64,
    ) -> Result<InboundPlainMessage<'a>, Error> {
        message.into_tls13_unpadded_message()
    }
}

struct Plain12;

impl MessageEncrypter for Plain12 {
    fn encrypt(
        &mut self,
        message: OutboundPlainMessage<'_>,
        _: u64,
    ) -> Result<OutboundOpaqueMessage, Error> {
        let mut payload = PrefixedPayload::with_capacity(message.payload.len());
        payload.extend_from_chunks(&message.payload);
        Ok(OutboundOpaqueMessage::new(
            message.typ,
            message.version,
            payload,
        ))
    }

    fn encrypted_payload_len(&self, length: usize) -> usize {
        length
    }
}

impl MessageDecrypter for Plain12 {
    fn decrypt<'a>(
        &mut self,
        message: InboundOpaqueMessage<'a>,
        _: u64,
    ) -> Result<InboundPlainMessage<'a>, Error> {
        Ok(message.into_plain_message())
    }
}

#[derive(Debug)]
struct NoKey;

impl SigningKey for NoKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let scheme = SignatureScheme::ECDSA_NISTP256_SHA256;
        offered
            .contains(&scheme)
            .then(|| Box::new(Self) as Box<dyn Signer>)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }
}

impl Signer for NoKey {
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(vec![7; 70])
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ECDSA_NISTP256_SHA256
    }
}
