//! Verdicts on server certificates, in Chromium's terms.
//!
//! `webpki` builds and checks the path. Where it stops at the first problem, Chromium gathers all
//! of them and reports the most serious (`net/cert/cert_status_flags.cc`), so the path is looked at
//! more than once when something is wrong; and where the two judge differently, Chromium's
//! judgement is put on top.

mod facts;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzzing;
mod power;
mod short_rsa;

use std::sync::Arc;

use rustls::{
    CertificateError, DigitallySignedStruct, OtherError, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{
        CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs as aws_lc, verify_tls12_signature,
        verify_tls13_signature,
    },
    pki_types::{
        AlgorithmIdentifier, CertificateDer, InvalidSignature, ServerName,
        SignatureVerificationAlgorithm, UnixTime,
    },
};
use tokio::task::block_in_place;
use webpki::{
    EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter, VerifiedPath,
    aws_lc_rs as signatures,
};

use self::facts::{Authority, Certificate, PublicKey};
use crate::{net_error::NetError, trust::TrustStore};

/// Chromium's limit (`net/cert/cert_verify_proc.cc`); shorter RSA keys are too weak.
const MIN_RSA_LENGTH: usize = 1024;

/// What `webpki` allows itself, too.
const MAX_SIGNATURE_CHECKS: usize = 100;

const MAX_MOVES_IN_TIME: usize = 16;

/// Chromium refuses Ed25519 and reports everything signed with SHA-1 as invalid, so neither is here.
static ALGORITHMS: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: &[
        signatures::ECDSA_P256_SHA256,
        signatures::ECDSA_P256_SHA384,
        signatures::ECDSA_P256_SHA512,
        signatures::ECDSA_P384_SHA256,
        signatures::ECDSA_P384_SHA384,
        signatures::ECDSA_P384_SHA512,
        signatures::ECDSA_P521_SHA256,
        signatures::ECDSA_P521_SHA384,
        signatures::ECDSA_P521_SHA512,
        short_rsa::RSA_PKCS1_SHA256,
        signatures::RSA_PKCS1_2048_8192_SHA256_ABSENT_PARAMS,
        signatures::RSA_PKCS1_2048_8192_SHA384,
        signatures::RSA_PKCS1_2048_8192_SHA384_ABSENT_PARAMS,
        short_rsa::RSA_PKCS1_SHA512,
        signatures::RSA_PKCS1_2048_8192_SHA512_ABSENT_PARAMS,
        short_rsa::RSA_PSS_SHA256,
        short_rsa::RSA_PSS_SHA384,
        short_rsa::RSA_PSS_SHA512,
    ],
    // BoringSSL's default list, in its order.
    mapping: &[
        (
            SignatureScheme::ECDSA_NISTP256_SHA256,
            &[signatures::ECDSA_P256_SHA256, signatures::ECDSA_P384_SHA256],
        ),
        (
            SignatureScheme::RSA_PSS_SHA256,
            &[short_rsa::RSA_PSS_SHA256],
        ),
        (
            SignatureScheme::RSA_PKCS1_SHA256,
            &[short_rsa::RSA_PKCS1_SHA256],
        ),
        (
            SignatureScheme::ECDSA_NISTP384_SHA384,
            &[signatures::ECDSA_P384_SHA384, signatures::ECDSA_P256_SHA384],
        ),
        (
            SignatureScheme::RSA_PSS_SHA384,
            &[short_rsa::RSA_PSS_SHA384],
        ),
        (
            SignatureScheme::RSA_PKCS1_SHA384,
            &[signatures::RSA_PKCS1_2048_8192_SHA384],
        ),
        (
            SignatureScheme::RSA_PSS_SHA512,
            &[short_rsa::RSA_PSS_SHA512],
        ),
        (
            SignatureScheme::RSA_PKCS1_SHA512,
            &[short_rsa::RSA_PKCS1_SHA512],
        ),
    ],
};

/// The cryptography of the whole module, chosen here and not by whatever else is in the process.
pub(crate) fn provider() -> CryptoProvider {
    CryptoProvider {
        signature_verification_algorithms: ALGORITHMS,
        ..aws_lc::default_provider()
    }
}

/// Judges server certificates. Needs a multi-threaded tokio runtime when called from a task.
#[derive(Debug)]
pub(crate) struct ServerVerifier {
    trust: Arc<TrustStore>,
}

impl ServerVerifier {
    pub(crate) fn new(trust: Arc<TrustStore>) -> Self {
        Self { trust }
    }
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        // A path takes milliseconds to check; the sockets of this worker must not wait for it.
        block_in_place(|| judge(&self.trust, end_entity, intermediates, server_name, now))
            .map(|()| ServerCertVerified::assertion())
            .map_err(|error| CertificateError::Other(OtherError(Arc::new(error))).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &ALGORITHMS)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &ALGORITHMS)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ALGORITHMS.supported_schemes()
    }
}

/// What can be wrong with a certificate, most serious first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Problem {
    Invalid,
    Untrusted,
    WrongName,
    WeakKey,
    OutOfDate,
}

impl From<Problem> for NetError {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Invalid => Self::CertInvalid,
            Problem::Untrusted => Self::CertAuthorityInvalid,
            Problem::WrongName => Self::CertCommonNameInvalid,
            Problem::WeakKey => Self::CertWeakKey,
            Problem::OutOfDate => Self::CertDateInvalid,
        }
    }
}

/// Whether `leaf` proves at the time `now` that the server is `name`.
fn judge(
    trust: &TrustStore,
    leaf: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    name: &ServerName<'_>,
    now: UnixTime,
) -> Result<(), NetError> {
    // BoringSSL looks at these two before Chromium's verifier sees the certificate.
    let facts = Certificate::parse(leaf).ok_or(NetError::SslProtocolError)?;
    if !facts.may_sign_handshakes() {
        return Err(NetError::SslKeyUsageIncompatible);
    }

    let chain = Chain {
        trust,
        leaf,
        facts,
        intermediates,
    };
    let problem = chain.problem(now);
    let parsed = EndEntityCert::try_from(leaf).ok();
    let wrong_name = parsed.is_some_and(|leaf| !is_valid_for(&leaf, name));
    [
        problem,
        wrong_name.then_some(Problem::WrongName),
        is_weak(&facts.key).then_some(Problem::WeakKey),
    ]
    .into_iter()
    .flatten()
    .min()
    .map_or(Ok(()), |problem| Err(problem.into()))
}

/// Whether one of the certificate's alternative names is `name`
/// (`X509Certificate::VerifyHostname`).
fn is_valid_for(certificate: &EndEntityCert<'_>, name: &ServerName<'_>) -> bool {
    let ServerName::DnsName(host) = name else {
        return certificate.verify_is_valid_for_subject_name(name).is_ok();
    };
    let host = host.as_ref();
    let listed = certificate.valid_dns_names().any(|listed| {
        listed
            .strip_suffix('.')
            .unwrap_or(listed)
            .eq_ignore_ascii_case(host)
    });
    // A wildcard does not stand for a name directly below a top-level domain.
    let wildcards = host.split('.').count() > 2;
    listed || (wildcards && certificate.verify_is_valid_for_subject_name(name).is_ok())
}

/// What a server presents, and who is believed.
struct Chain<'a> {
    trust: &'a TrustStore,
    leaf: &'a CertificateDer<'a>,
    facts: Certificate<'a>,
    intermediates: &'a [CertificateDer<'a>],
}

impl Chain<'_> {
    /// What is wrong, name and key aside. Chromium calls a chain invalid only when it has no better
    /// word for it.
    fn problem(&self, now: UnixTime) -> Option<Problem> {
        let (dated, result) = if self.trust.contains(self.leaf) {
            (!is_valid_at(&self.facts, now), check_purpose(&self.facts))
        } else {
            self.check_at_best_time(now)
        };
        match result {
            Ok(()) => dated.then_some(Problem::OutOfDate),
            Err(_) if !self.comes_from_known_authority() => Some(Problem::Untrusted),
            Err(_) if dated || !is_valid_at(&self.facts, now) => Some(Problem::OutOfDate),
            Err(_) => Some(Problem::Invalid),
        }
    }

    /// Checks the chain, and if it is out of date, once more at a time when it was or will be
    /// valid. Tells whether that was necessary.
    fn check_at_best_time(&self, now: UnixTime) -> (bool, Result<(), webpki::Error>) {
        use webpki::Error::{CertExpired, CertNotValidYet};
        let mut time = now;
        let mut result = self.check(time);
        // Every certificate can move the time forth and back; more often than that means that they
        // were never valid together.
        for _ in 0..MAX_MOVES_IN_TIME {
            time = match result {
                Err(CertExpired { not_after, .. }) => not_after,
                Err(CertNotValidYet { not_before, .. }) => not_before,
                _ => break,
            };
            result = self.check(time);
        }
        (time != now, result)
    }

    fn check(&self, time: UnixTime) -> Result<(), webpki::Error> {
        if matches!(
            self.facts.authority(),
            Authority::Unlimited | Authority::Limited(_)
        ) {
            return self.check_authority(time);
        }
        let leaf = EndEntityCert::try_from(self.leaf)?;
        leaf.verify_for_usage(
            ALGORITHMS.all,
            self.trust.anchors(),
            self.intermediates,
            time,
            AnyPurpose,
            None,
            Some(&|path| {
                check_purpose(&self.facts)?;
                self.check_issuers(path, 0, time)
            }),
        )
        .map(|_| ())
    }

    /// Servers may present the certificate of an authority; `webpki` insists that they must not. So
    /// it gets to judge a chain that is longer by one link, a certificate that this authority could
    /// have issued.
    fn check_authority(&self, time: UnixTime) -> Result<(), webpki::Error> {
        let Some(child) = Child::of(&self.facts) else {
            return Err(webpki::Error::CaUsedAsEndEntity);
        };
        let leaf = EndEntityCert::try_from(&child.certificate)?;
        let algorithms: Vec<_> = ALGORITHMS
            .all
            .iter()
            .copied()
            .chain([&child as _])
            .collect();
        let intermediates: Vec<_> = [self.leaf]
            .into_iter()
            .chain(self.intermediates)
            .map(|certificate| CertificateDer::from(certificate.as_ref()))
            .collect();
        leaf.verify_for_usage(
            &algorithms,
            self.trust.anchors(),
            &intermediates,
            time,
            AnyPurpose,
            None,
            Some(&|path| {
                let first = path.intermediate_certificates().next();
                if first.is_none_or(|first| first.der().as_ref() != self.leaf.as_ref()) {
                    return Err(webpki::Error::UnknownIssuer);
                }
                self.check_issuers(path, 1, time)
            }),
        )
        .map(|_| ())
    }

    /// What Chromium asks of issuers and `webpki` does not. The first `skip` links of the path are
    /// not issuers, but have to be for servers, too.
    fn check_issuers(
        &self,
        path: &VerifiedPath<'_>,
        skip: usize,
        time: UnixTime,
    ) -> Result<(), webpki::Error> {
        for (index, link) in path.intermediate_certificates().enumerate() {
            let der = link.der();
            let facts = Certificate::parse(&der).ok_or(webpki::Error::BadDer)?;
            check_purpose(&facts)?;
            if index >= skip && !facts.may_sign_certificates() {
                return Err(webpki::Error::EndEntityUsedAsCa);
            }
        }
        let Some(anchor) = self.trust.certificate_of(path.anchor()) else {
            return Ok(());
        };
        let anchor = Certificate::parse(anchor).ok_or(webpki::Error::BadDer)?;
        let (not_before, not_after) = anchor.validity().ok_or(webpki::Error::BadDerTime)?;
        if time < not_before {
            return Err(webpki::Error::CertNotValidYet { time, not_before });
        }
        if time > not_after {
            return Err(webpki::Error::CertExpired { time, not_after });
        }
        check_purpose(&anchor)?;
        let intermediates = path.intermediate_certificates().count() - skip;
        match anchor.authority() {
            _ if !anchor.may_sign_certificates() => Err(webpki::Error::EndEntityUsedAsCa),
            Authority::Denied => Err(webpki::Error::EndEntityUsedAsCa),
            Authority::Limited(limit) if intermediates > limit => {
                Err(webpki::Error::PathLenConstraintViolated)
            }
            Authority::Unsaid | Authority::Unlimited | Authority::Limited(_) => Ok(()),
        }
    }

    /// Whether signatures lead from the certificate to an authority that is believed, whatever
    /// else is wrong. Only decides what a certificate is refused for.
    fn comes_from_known_authority(&self) -> bool {
        let mut unseen: Vec<_> = self
            .intermediates
            .iter()
            .filter_map(Certificate::parse)
            .collect();
        let mut checks = MAX_SIGNATURE_CHECKS;
        let mut reached = vec![self.facts];
        if self.trust.contains(self.leaf) {
            return true;
        }
        while let Some(certificate) = reached.pop() {
            let mut is_issuer = |subject: &[u8], key: &PublicKey<'_>| {
                if certificate.issuer != subject || checks == 0 {
                    return false;
                }
                checks -= 1;
                is_signed_by(&certificate, key)
            };
            let mut anchors = self.trust.anchors().iter();
            if anchors.any(|anchor| {
                PublicKey::parse(&anchor.subject_public_key_info)
                    .is_some_and(|key| is_issuer(&anchor.subject, &key))
            }) {
                return true;
            }
            let issuers = unseen.extract_if(.., |other| is_issuer(other.subject, &other.key));
            reached.extend(issuers);
        }
        false
    }
}

fn is_weak(key: &PublicKey<'_>) -> bool {
    key.rsa().is_some_and(|key| key.length() < MIN_RSA_LENGTH)
}

/// Whether `certificate` is signed by this key. A signature that cannot be checked counts: it is not
/// its origin that makes such a certificate invalid.
fn is_signed_by(certificate: &Certificate<'_>, key: &PublicKey<'_>) -> bool {
    let algorithm = ALGORITHMS.all.iter().find(|algorithm| {
        algorithm.signature_alg_id().as_ref() == certificate.signature_algorithm
            && algorithm.public_key_alg_id().as_ref() == key.algorithm
    });
    algorithm.is_none_or(|algorithm| {
        algorithm
            .verify_signature(key.bits, certificate.signed, certificate.signature)
            .is_ok()
    })
}

fn is_valid_at(certificate: &Certificate<'_>, time: UnixTime) -> bool {
    certificate
        .validity()
        .is_some_and(|(not_before, not_after)| (not_before..=not_after).contains(&time))
}

fn check_purpose(certificate: &Certificate<'_>) -> Result<(), webpki::Error> {
    if certificate.may_be_for_servers() {
        Ok(())
    } else {
        Err(webpki::Error::EmptyEkuExtension)
    }
}

/// Leaves the extended key usage to [`check_purpose`], which knows `anyExtendedKeyUsage` and comes
/// when the origin of the certificate is settled.
struct AnyPurpose;

impl ExtendedKeyUsageValidator for AnyPurpose {
    fn validate(&self, _: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        Ok(())
    }
}

/// A certificate below one that is looked at, and at the same time the algorithm by which it alone
/// is signed.
#[derive(Debug)]
struct Child {
    certificate: CertificateDer<'static>,
    signed: Vec<u8>,
    key: Vec<u8>,
    key_algorithm: AlgorithmIdentifier,
}

impl Child {
    fn of(parent: &Certificate<'_>) -> Option<Self> {
        let known = ALGORITHMS
            .all
            .iter()
            .map(|algorithm| algorithm.public_key_alg_id());
        let key_algorithm = known
            .into_iter()
            .find(|id| id.as_ref() == parent.key.algorithm)?;
        let (signed, certificate) = facts::write_child(parent);
        Some(Self {
            certificate: certificate.into(),
            signed,
            key: parent.key.bits.to_vec(),
            key_algorithm,
        })
    }
}

impl SignatureVerificationAlgorithm for Child {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        _signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        if public_key == self.key && message == self.signed {
            Ok(())
        } else {
            Err(InvalidSignature)
        }
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.key_algorithm
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        AlgorithmIdentifier::from_slice(facts::CHILD_SIGNATURE)
    }
}
