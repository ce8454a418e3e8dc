//! The algorithms that the module accepts, as Chromium does.

use once_cell::sync::Lazy;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs as aws_lc};
use rustls::{CipherSuiteCommon, SignatureScheme, SupportedCipherSuite, Tls12CipherSuite};
use webpki::aws_lc_rs as signatures;

use super::legacy_rsa;

/// Chromium's minimum for RSA keys (`net/cert/cert_verify_proc.cc`); shorter keys are weak.
pub(super) const MIN_RSA_LENGTH: usize = 1024;

/// Chromium refuses Ed25519, and reports SHA-1 signatures as invalid, so neither is listed.
pub(super) static ALGORITHMS: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
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
        legacy_rsa::RSA_PKCS1_SHA256,
        signatures::RSA_PKCS1_2048_8192_SHA256_ABSENT_PARAMS,
        signatures::RSA_PKCS1_2048_8192_SHA384,
        signatures::RSA_PKCS1_2048_8192_SHA384_ABSENT_PARAMS,
        legacy_rsa::RSA_PKCS1_SHA512,
        signatures::RSA_PKCS1_2048_8192_SHA512_ABSENT_PARAMS,
        legacy_rsa::RSA_PSS_SHA256,
        legacy_rsa::RSA_PSS_SHA384,
        legacy_rsa::RSA_PSS_SHA512,
    ],
    // BoringSSL's default list, in the same order.
    mapping: &[
        (
            SignatureScheme::ECDSA_NISTP256_SHA256,
            &[signatures::ECDSA_P256_SHA256, signatures::ECDSA_P384_SHA256],
        ),
        (
            SignatureScheme::RSA_PSS_SHA256,
            &[legacy_rsa::RSA_PSS_SHA256],
        ),
        (
            SignatureScheme::RSA_PKCS1_SHA256,
            &[legacy_rsa::RSA_PKCS1_SHA256],
        ),
        (
            SignatureScheme::ECDSA_NISTP384_SHA384,
            &[signatures::ECDSA_P384_SHA384, signatures::ECDSA_P256_SHA384],
        ),
        (
            SignatureScheme::RSA_PSS_SHA384,
            &[legacy_rsa::RSA_PSS_SHA384],
        ),
        (
            SignatureScheme::RSA_PKCS1_SHA384,
            &[signatures::RSA_PKCS1_2048_8192_SHA384],
        ),
        (
            SignatureScheme::RSA_PSS_SHA512,
            &[legacy_rsa::RSA_PSS_SHA512],
        ),
        (
            SignatureScheme::RSA_PKCS1_SHA512,
            &[legacy_rsa::RSA_PKCS1_SHA512],
        ),
    ],
};

/// The cryptography provider of the module, independent of the process's default.
pub(crate) fn provider() -> CryptoProvider {
    CryptoProvider {
        signature_verification_algorithms: ALGORITHMS,
        cipher_suites: CIPHER_SUITES.clone(),
        ..aws_lc::default_provider()
    }
}

/// The suites of rustls. After 2^24 records of TLS 1.2, which has no key update, rustls would close
/// the connection and report later writes as sent; Chromium continues.
static CIPHER_SUITES: Lazy<Vec<SupportedCipherSuite>> = Lazy::new(|| {
    let without_limit = |suite| match suite {
        SupportedCipherSuite::Tls12(suite) => {
            let common = CipherSuiteCommon {
                suite: suite.common.suite,
                hash_provider: suite.common.hash_provider,
                confidentiality_limit: u64::MAX,
            };
            SupportedCipherSuite::Tls12(Box::leak(Box::new(Tls12CipherSuite {
                common,
                prf_provider: suite.prf_provider,
                kx: suite.kx,
                sign: suite.sign,
                aead_alg: suite.aead_alg,
            })))
        }
        suite @ SupportedCipherSuite::Tls13(_) => suite,
    };
    let suites = aws_lc::default_provider().cipher_suites;
    suites.into_iter().map(without_limit).collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_1_2_has_no_limit_on_the_number_of_records() {
        let suites = provider().cipher_suites;
        assert_eq!(suites, aws_lc::default_provider().cipher_suites);
        let limits: Vec<_> = suites
            .iter()
            .filter_map(|suite| match suite {
                SupportedCipherSuite::Tls12(suite) => Some(suite.common.confidentiality_limit),
                SupportedCipherSuite::Tls13(_) => None,
            })
            .collect();
        assert!(!limits.is_empty());
        assert!(limits.iter().all(|&limit| limit == u64::MAX), "{limits:?}");
    }
}
