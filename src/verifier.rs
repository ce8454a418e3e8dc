//! Verdicts on server certificates, in Chromium's terms.
//!
//! `webpki` builds and checks the path. Where it stops at the first problem, Chromium gathers all
//! of them and reports the most serious (`net/cert/cert_status_flags.cc`), so the path is looked at
//! more than once when something is wrong; and where the two judge differently, Chromium's
//! judgement is put on top.

mod facts;

use std::{collections::BTreeSet, sync::Arc};

use rustls::{
    CertificateError, DigitallySignedStruct, OtherError, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{
        CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs as aws_lc, verify_tls12_signature,
        verify_tls13_signature,
    },
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio::task::block_in_place;
use webpki::{
    EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeId, KeyPurposeIdIter, VerifiedPath,
    aws_lc_rs as signatures,
};

use self::facts::PublicKey;
use crate::{net_error::NetError, trust::TrustStore};

/// Chromium's limit (`net/cert/cert_verify_proc.cc`); shorter RSA keys are too weak.
const MIN_RSA_BITS: usize = 1024;

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
        signatures::RSA_PKCS1_2048_8192_SHA256,
        signatures::RSA_PKCS1_2048_8192_SHA256_ABSENT_PARAMS,
        signatures::RSA_PKCS1_2048_8192_SHA384,
        signatures::RSA_PKCS1_2048_8192_SHA384_ABSENT_PARAMS,
        signatures::RSA_PKCS1_2048_8192_SHA512,
        signatures::RSA_PKCS1_2048_8192_SHA512_ABSENT_PARAMS,
        signatures::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
        signatures::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
        signatures::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
    ],
    // BoringSSL's default list, in its order.
    mapping: &[
        (
            SignatureScheme::ECDSA_NISTP256_SHA256,
            &[signatures::ECDSA_P256_SHA256, signatures::ECDSA_P384_SHA256],
        ),
        (
            SignatureScheme::RSA_PSS_SHA256,
            &[signatures::RSA_PSS_2048_8192_SHA256_LEGACY_KEY],
        ),
        (
            SignatureScheme::RSA_PKCS1_SHA256,
            &[signatures::RSA_PKCS1_2048_8192_SHA256],
        ),
        (
            SignatureScheme::ECDSA_NISTP384_SHA384,
            &[signatures::ECDSA_P384_SHA384, signatures::ECDSA_P256_SHA384],
        ),
        (
            SignatureScheme::RSA_PSS_SHA384,
            &[signatures::RSA_PSS_2048_8192_SHA384_LEGACY_KEY],
        ),
        (
            SignatureScheme::RSA_PKCS1_SHA384,
            &[signatures::RSA_PKCS1_2048_8192_SHA384],
        ),
        (
            SignatureScheme::RSA_PSS_SHA512,
            &[signatures::RSA_PSS_2048_8192_SHA512_LEGACY_KEY],
        ),
        (
            SignatureScheme::RSA_PKCS1_SHA512,
            &[signatures::RSA_PKCS1_2048_8192_SHA512],
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
    // BoringSSL looks at this before Chromium's verifier sees the certificate.
    if !facts::may_sign_handshakes(leaf) {
        return Err(NetError::SslKeyUsageIncompatible);
    }
    let certificate = EndEntityCert::try_from(leaf).map_err(|_| NetError::CertInvalid)?;
    let path = Path {
        trust,
        leaf: &certificate,
        intermediates,
    };
    let mut problems = path.problems(now);
    if !is_valid_for(&certificate, name) {
        problems.insert(Problem::WrongName);
    }
    problems
        .first()
        .map_or(Ok(()), |&problem| Err(problem.into()))
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

/// What leads from a certificate to an authority that is believed.
struct Path<'a> {
    trust: &'a TrustStore,
    leaf: &'a EndEntityCert<'a>,
    intermediates: &'a [CertificateDer<'a>],
}

/// How closely a path is looked at.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Scrutiny {
    /// Everything that Chromium checks.
    Full,
    /// Only what decides whether the certificate comes from a believed authority.
    Origin,
}

impl Path<'_> {
    /// Everything that is wrong, the name aside. Chromium calls a path invalid only when it has no
    /// better word for it.
    fn problems(&self, now: UnixTime) -> BTreeSet<Problem> {
        let mut problems = BTreeSet::new();
        if self.has_weak_key() {
            problems.insert(Problem::WeakKey);
        }
        let (dated, result) = self.check_at_best_time(now, Scrutiny::Full);
        if dated {
            problems.insert(Problem::OutOfDate);
        }
        if result.is_err() {
            let (_, origin) = self.check_at_best_time(now, Scrutiny::Origin);
            match origin {
                Err(error) if is_about_origin(&error) => {
                    problems.insert(Problem::Untrusted);
                }
                _ if problems.is_empty() => {
                    problems.insert(Problem::Invalid);
                }
                _ => {}
            }
        }
        problems
    }

    fn has_weak_key(&self) -> bool {
        let weak = |info: &[u8]| {
            PublicKey::parse(info)
                .and_then(|key| key.rsa_bits())
                .is_some_and(|bits| bits < MIN_RSA_BITS)
        };
        weak(&self.leaf.subject_public_key_info())
    }

    /// Checks the path, and if it is out of date, once more at a time when it was or will be valid.
    /// Tells whether that was necessary. Where there is no such time, the dates are what is wrong.
    fn check_at_best_time(
        &self,
        now: UnixTime,
        scrutiny: Scrutiny,
    ) -> (bool, Result<(), webpki::Error>) {
        use webpki::Error::{CertExpired, CertNotValidYet};
        let mut time = now;
        // Each certificate of a path can move the time twice.
        for _ in 0..16 {
            time = match self.check(time, scrutiny) {
                Err(CertExpired { not_after, .. }) => not_after,
                Err(CertNotValidYet { not_before, .. }) => not_before,
                result => return (time != now, result),
            };
        }
        (true, Ok(()))
    }

    fn check(&self, time: UnixTime, scrutiny: Scrutiny) -> Result<(), webpki::Error> {
        if self.trust.contains(&self.leaf.der()) {
            return self.check_trusted_leaf(time, scrutiny);
        }
        let verified = self.leaf.verify_for_usage(
            ALGORITHMS.all,
            self.trust.anchors(),
            self.intermediates,
            time,
            Purpose(scrutiny),
            None,
            Some(&|path| check_issuers(path, time, scrutiny)),
        );
        verified.map(|_| ())
    }

    /// The certificate itself is in the store: nobody has to vouch for it.
    fn check_trusted_leaf(&self, time: UnixTime, scrutiny: Scrutiny) -> Result<(), webpki::Error> {
        // Without anchors the check cannot succeed; how far it comes is what is asked.
        let result = self.leaf.verify_for_usage(
            ALGORITHMS.all,
            &[],
            &[],
            time,
            Purpose(scrutiny),
            None,
            None,
        );
        match result {
            Err(webpki::Error::UnknownIssuer | webpki::Error::CaUsedAsEndEntity) | Ok(_) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Whether the error is Chromium's "authority invalid" rather than something about a certificate
/// that comes from a believed authority.
fn is_about_origin(error: &webpki::Error) -> bool {
    use webpki::Error as E;
    matches!(
        error,
        E::UnknownIssuer
            | E::InvalidSignatureForPublicKey
            | E::CertDistrusted
            | E::MaximumPathBuildCallsExceeded
            | E::MaximumSignatureChecksExceeded
            | E::MaximumNameConstraintComparisonsExceeded
    )
}

/// What Chromium asks of issuers and `webpki` does not.
fn check_issuers(
    path: &VerifiedPath<'_>,
    _time: UnixTime,
    scrutiny: Scrutiny,
) -> Result<(), webpki::Error> {
    if scrutiny == Scrutiny::Origin {
        return Ok(());
    }
    for issuer in path.intermediate_certificates() {
        if !facts::may_sign_certificates(&issuer.der()) {
            return Err(webpki::Error::EndEntityUsedAsCa);
        }
    }
    Ok(())
}

/// A TLS server's purpose: what Chromium reads out of the extended key usage extension.
struct Purpose(Scrutiny);

impl ExtendedKeyUsageValidator for Purpose {
    fn validate(&self, purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        const SERVER_AUTH: KeyPurposeId<'_> = KeyPurposeId::new(&[0x2b, 6, 1, 5, 5, 7, 3, 1]);
        const ANY: KeyPurposeId<'_> = KeyPurposeId::new(&[0x55, 0x1d, 0x25, 0]);

        if self.0 == Scrutiny::Origin {
            return Ok(());
        }
        let mut unlimited = true;
        for purpose in purposes {
            let purpose = purpose?;
            if purpose == SERVER_AUTH || purpose == ANY {
                return Ok(());
            }
            unlimited = false;
        }
        if unlimited {
            Ok(())
        } else {
            Err(webpki::Error::EmptyEkuExtension)
        }
    }
}
