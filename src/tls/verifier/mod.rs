//! Verdicts on server certificates, with Chromium's result codes.
//!
//! [`path`] searches for a path as Chromium does, collects all problems of the best one as Chromium
//! does, and reports the most serious (`net/cert/cert_status_flags.cc`). A path without problems is
//! accepted only if `webpki` accepts it, too.

mod algorithms;
mod certificate;
mod der;
mod distinguished_name;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzzing;
mod legacy_rsa;
mod modpow;
mod names;
mod oid;
mod path;
mod policies;
mod problem;
mod public_key;
mod revocation;
mod second_opinion;
mod strict_parsing;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, OtherError, SignatureScheme};
use tokio::task::block_in_place;

use self::algorithms::ALGORITHMS;
use self::certificate::Certificate;
use self::problem::Problem;
use crate::net_error::NetError;
use crate::tls::trust::TrustStore;

pub(crate) use self::algorithms::provider;

/// Verifies the certificate of one server. Within a task it needs a multi-threaded tokio runtime.
#[derive(Debug)]
pub(crate) struct ServerVerifier {
    trust: Arc<TrustStore>,
    /// Chromium also connects to names that `rustls` cannot represent.
    host: String,
    /// Whether the server has chosen TLS 1.3, which `rustls` does not report.
    tls13: Arc<AtomicBool>,
}

impl ServerVerifier {
    /// `host` is a canonical host name or an IP address without brackets. `tls13` becomes true when
    /// the server chooses TLS 1.3.
    pub(crate) fn new(trust: Arc<TrustStore>, host: String, tls13: Arc<AtomicBool>) -> Self {
        Self { trust, host, tls13 }
    }
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        // A path takes milliseconds to verify; the other sockets of this worker must not wait.
        let presented = Presented {
            leaf: end_entity,
            intermediates,
            staple: ocsp_response,
        };
        let tls13 = self.tls13.load(Ordering::Relaxed);
        block_in_place(|| judge(&self.trust, &presented, &self.host, now, tls13))
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

/// The certificates that a server presents.
struct Presented<'a> {
    leaf: &'a CertificateDer<'a>,
    intermediates: &'a [CertificateDer<'a>],
    /// A stapled OCSP response; empty if there is none.
    staple: &'a [u8],
}

/// Whether the chain proves at the time `now` that the server is `host`.
fn judge(
    trust: &TrustStore,
    presented: &Presented<'_>,
    host: &str,
    now: UnixTime,
    tls13: bool,
) -> Result<(), NetError> {
    let &Presented {
        leaf,
        intermediates,
        staple,
    } = presented;
    // BoringSSL checks these before Chromium's verifier sees the certificate.
    let parsed = Certificate::parse(leaf).ok_or(NetError::SslProtocolError)?;
    if !parsed.key.may_be_of_servers() || intermediates.iter().any(|one| one.is_empty()) {
        return Err(NetError::SslProtocolError);
    }
    let may_sign = parsed
        .may_sign_handshakes()
        .ok_or(NetError::SslProtocolError)?;
    // In TLS 1.2 an RSA key can also be used without signing, so a forbidden signature shows only
    // later.
    let may_sign_later = !tls13 && parsed.key.rsa().is_some();
    if !may_sign && !may_sign_later {
        return Err(NetError::SslKeyUsageIncompatible);
    }
    if !parsed.is_well_formed() {
        return Err(NetError::SslServerCertBadFormat);
    }

    let chain = Chain {
        trust,
        leaf,
        parsed,
        intermediates,
    };
    let problem = chain.problem(now);
    let wrong_name = !names::is_for(&parsed, host);
    // Chromium needs the issuer to verify the response.
    let revoked = problem != Some(Problem::Untrusted) && revocation::says_revoked(staple, &parsed);
    let problems = [
        problem,
        revoked.then_some(Problem::Revoked),
        wrong_name.then_some(Problem::WrongName),
    ];
    match problems.into_iter().flatten().min() {
        Some(problem) => Err(problem.into()),
        None if !may_sign => Err(NetError::SslKeyUsageIncompatible),
        None => Ok(()),
    }
}

/// The presented certificates and the trusted authorities.
struct Chain<'a> {
    trust: &'a TrustStore,
    leaf: &'a CertificateDer<'a>,
    parsed: Certificate<'a>,
    intermediates: &'a [CertificateDer<'a>],
}

impl Chain<'_> {
    /// The most serious problem, apart from the name.
    fn problem(&self, now: UnixTime) -> Option<Problem> {
        if !strict_parsing::has_sound_extensions(&self.parsed) {
            return Some(Problem::Invalid);
        }
        if self.trust.contains(self.leaf) {
            return path::defects_of_trusted(&self.parsed, now).problem();
        }
        let others: Vec<_> = self
            .intermediates
            .iter()
            .filter_map(Certificate::parse)
            .filter(path::is_usable)
            .collect();
        path::defects(self.trust, &self.parsed, &others, now).problem()
    }
}
