//! What is wrong with a certificate.

use crate::net_error::NetError;

/// The problems of a certificate, most serious first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Problem {
    Invalid,
    Revoked,
    Untrusted,
    WrongName,
    WeakKey,
    OutOfDate,
}

impl From<Problem> for NetError {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Invalid => Self::CertInvalid,
            Problem::Revoked => Self::CertRevoked,
            Problem::Untrusted => Self::CertAuthorityInvalid,
            Problem::WrongName => Self::CertCommonNameInvalid,
            Problem::WeakKey => Self::CertWeakKey,
            Problem::OutOfDate => Self::CertDateInvalid,
        }
    }
}
