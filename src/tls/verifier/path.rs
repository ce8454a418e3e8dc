//! Searches for a path from a certificate to a trusted authority as Chromium does
//! (`bssl::CertPathBuilder`, `bssl::VerifyCertificateChain`): it tries issuers in the same order, stops
//! after the same number of steps, and reports the same problem of the best path.
//!
//! A path is accepted only if `webpki` accepts it, too. Name constraints are checked by `webpki` alone
//! ([`second_opinion`]).

use std::cmp::Reverse;

use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};

use super::algorithms::{ALGORITHMS, MIN_RSA_LENGTH};
use super::certificate::{Authority, Certificate};
use super::oid;
use super::policies::Policies;
use super::problem::Problem;
use super::public_key::{PublicKey, RsaKey};
use super::second_opinion;
use super::strict_parsing;
use crate::tls::trust::TrustStore;

/// How often the search asks for the next issuer of a certificate: Chromium's
/// `kPathBuilderIterationLimit`. It bounds the length of a path and, at 110, the number of signatures
/// that are verified.
const MAX_STEPS: usize = 20;

/// The defects of a path.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Defects(u8);

impl Defects {
    const UNTRUSTED: Self = Self(1);
    const WEAK_KEY: Self = Self(2);
    const OUT_OF_DATE: Self = Self(4);
    const INVALID: Self = Self(8);
    /// The signature algorithm is unknown to Chromium, or the signed part names another one.
    const UNKNOWN_ALGORITHM: Self = Self(16);

    fn note(&mut self, defects: Self, found: bool) {
        if found {
            self.0 |= defects.0;
        }
    }

    fn any(self) -> bool {
        self != Self::default()
    }

    /// The most serious of them. Chromium calls a path invalid for its signatures, and otherwise only
    /// when it has no better word for it.
    pub(super) fn problem(self) -> Option<Problem> {
        [
            (Self::UNKNOWN_ALGORITHM, Problem::Invalid),
            (Self::UNTRUSTED, Problem::Untrusted),
            (Self::WEAK_KEY, Problem::WeakKey),
            (Self::OUT_OF_DATE, Problem::OutOfDate),
            (Self::INVALID, Problem::Invalid),
        ]
        .into_iter()
        .find_map(|(flaw, problem)| (self.0 & flaw.0 != 0).then_some(problem))
    }
}

/// What is wrong with the best path: the first one that ends at a trusted authority or, if none does,
/// the first one.
pub(super) fn defects(
    trust: &TrustStore,
    leaf: &Certificate<'_>,
    others: &[Certificate<'_>],
    now: UnixTime,
) -> Defects {
    let mut search = Search {
        trust,
        others,
        now,
        steps: MAX_STEPS,
        best: None,
    };
    let _ = search.extend(&mut vec![leaf]);
    search
        .best
        .map_or(Defects::UNTRUSTED, |(_, defects)| defects)
}

/// The defects of a certificate that is trusted itself.
pub(super) fn defects_of_trusted(leaf: &Certificate<'_>, now: UnixTime) -> Defects {
    let mut defects = key_defects(&leaf.key);
    defects.note(Defects::OUT_OF_DATE, !leaf.is_valid_at(now));
    defects.note(
        Defects::INVALID,
        !leaf.may_be_for_servers() || strict_parsing::has_unknown_critical_extension(leaf),
    );
    defects
}

struct Search<'a> {
    trust: &'a TrustStore,
    others: &'a [Certificate<'a>],
    now: UnixTime,
    steps: usize,
    /// The best path so far.
    best: Option<(End, Defects)>,
}

/// Where a path ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    Trusted,
    /// At a certificate whose issuer is missing, or where the search ran out of steps.
    Incomplete,
}

/// The search has ended: it found a flawless path, or ran out of steps.
struct Over;

/// A certificate that may have issued the last one of a path.
enum Issuer<'a> {
    Anchor(&'a TrustAnchor<'static>, Option<Box<Certificate<'a>>>),
    Presented(&'a Certificate<'a>),
}

impl<'a> Issuer<'a> {
    fn certificate(&self) -> Option<&Certificate<'a>> {
        match self {
            Self::Anchor(_, certificate) => certificate.as_deref(),
            Self::Presented(certificate) => Some(certificate),
        }
    }

    /// The position in Chromium's order: by trust and matching key identifiers, then self-issued
    /// certificates first, then the newest first.
    fn rank(&self, issued: &Certificate<'_>) -> impl Ord + use<> {
        let certificate = self.certificate();
        let key_id = certificate.and_then(Certificate::subject_key_id);
        let keys_match = issued
            .authority_key_id()
            .zip(key_id)
            .map(|(wanted, found)| wanted == found);
        let order = match (self, keys_match) {
            (Self::Anchor(..), Some(true)) => 0,
            (Self::Anchor(..), None) => 1,
            (Self::Presented(_), Some(true)) => 2,
            (Self::Presented(_), None) => 3,
            (Self::Anchor(..), Some(false)) => 4,
            (Self::Presented(_), Some(false)) => 5,
        };
        let self_issued = certificate.is_none_or(|one| one.subject == one.issuer);
        let validity = certificate.and_then(Certificate::validity);
        (order, Reverse(self_issued), Reverse(validity))
    }
}

impl<'a> Search<'a> {
    /// Looks for ways to go on from `path`.
    fn extend(&mut self, path: &mut Vec<&'a Certificate<'a>>) -> Result<(), Over> {
        let Some(last) = path.last().copied() else {
            return Ok(());
        };
        let mut is_end = true;
        for issuer in self.issuers_of(last) {
            self.step(path)?;
            match issuer {
                Issuer::Anchor(anchor, certificate) => {
                    is_end = false;
                    let defects = self.check(path, anchor, certificate.as_deref());
                    self.note(End::Trusted, path, defects);
                    if !defects.any() {
                        return Err(Over);
                    }
                }
                Issuer::Presented(issuer) => {
                    if path.iter().any(|link| is_same(link, issuer)) {
                        continue;
                    }
                    is_end = false;
                    path.push(issuer);
                    self.extend(path)?;
                    path.pop();
                }
            }
        }
        self.step(path)?;
        if is_end {
            self.note(End::Incomplete, path, Defects::UNTRUSTED);
        }
        Ok(())
    }

    /// The certificates whose name is that of the issuer of `last`.
    fn issuers_of(&self, last: &Certificate<'a>) -> Vec<Issuer<'a>> {
        let trust = self.trust;
        let anchors = trust.authorities().filter_map(|(anchor, certificate)| {
            if anchor.subject.as_ref() != last.issuer {
                return None;
            }
            match certificate.map(Certificate::parse) {
                None => Some(Issuer::Anchor(anchor, None)),
                Some(Some(certificate)) if is_usable(&certificate) => {
                    Some(Issuer::Anchor(anchor, Some(Box::new(certificate))))
                }
                Some(_) => None,
            }
        });
        let others = self.others;
        let presented = others.iter().enumerate().filter(|&(index, other)| {
            let earlier = others.get(..index).unwrap_or_default();
            other.subject == last.issuer
                && earlier.iter().all(|earlier| earlier.whole != other.whole)
                && !trust.contains(&CertificateDer::from(other.whole))
        });
        let mut issuers: Vec<_> = anchors
            .chain(presented.map(|(_, other)| Issuer::Presented(other)))
            .collect();
        issuers.sort_by_cached_key(|issuer| issuer.rank(last));
        issuers
    }

    fn step(&mut self, path: &[&Certificate<'_>]) -> Result<(), Over> {
        let Some(left) = self.steps.checked_sub(1) else {
            self.note(End::Incomplete, path, Defects::UNTRUSTED);
            return Err(Over);
        };
        self.steps = left;
        Ok(())
    }

    fn note(&mut self, end: End, path: &[&Certificate<'_>], mut defects: Defects) {
        let is_better = match self.best {
            None => true,
            Some((best, _)) => !defects.any() || (end, best) == (End::Trusted, End::Incomplete),
        };
        if !is_better {
            return;
        }
        // Chromium inspects the algorithms of all certificates but the last, which it takes for the
        // anchor.
        let inspected = match (end, path) {
            (End::Incomplete, [inspected @ .., _]) => inspected,
            (_, all) => all,
        };
        let is_unknown = |certificate: &&Certificate<'_>| algorithms_of(certificate).is_empty();
        defects.note(Defects::UNKNOWN_ALGORITHM, inspected.iter().any(is_unknown));
        self.best = Some((end, defects));
    }

    /// The defects of this path from a server's certificate to one that the anchor has issued.
    fn check<'b>(
        &self,
        path: &[&Certificate<'b>],
        anchor: &'b TrustAnchor<'_>,
        certificate: Option<&Certificate<'b>>,
    ) -> Defects {
        let Some(key) = PublicKey::parse(&anchor.subject_public_key_info) else {
            return Defects::INVALID;
        };
        let mut defects = self.check_links(path, certificate, key);
        if !defects.any() {
            let confirmed = second_opinion::confirms(path, anchor, &key, self.now);
            // A certificate without extensions is valid for no host and refused for that.
            let may_be_invalid = path.first().is_none_or(|leaf| leaf.may_have_extensions());
            defects.note(Defects::INVALID, !confirmed && may_be_invalid);
        }
        defects
    }

    fn check_links<'b>(
        &self,
        path: &[&Certificate<'b>],
        anchor: Option<&Certificate<'b>>,
        mut key: PublicKey<'b>,
    ) -> Defects {
        let mut defects = key_defects(&key);
        let mut allowed = usize::MAX;
        let mut policies = Policies::new(path.len());
        if let Some(anchor) = anchor {
            defects.note(Defects::OUT_OF_DATE, !anchor.is_valid_at(self.now));
            defects.note(
                Defects::INVALID,
                !anchor.may_be_for_servers()
                    || !anchor.may_sign_certificates()
                    || strict_parsing::has_unknown_critical_extension(anchor)
                    || !policies.begin(anchor),
            );
            match anchor.authority() {
                Authority::Denied => defects.note(Defects::INVALID, true),
                Authority::Limited(limit) => allowed = limit,
                Authority::Unsaid | Authority::Unlimited => {}
            }
        }
        for (index, link) in path.iter().enumerate().rev() {
            // A signature that is wrong or of an unacceptable kind ends it.
            let signature = check_signature(link, &key);
            if signature.any() {
                defects.note(signature, true);
                return defects;
            }
            defects.note(key_defects(&link.key), true);
            defects.note(Defects::OUT_OF_DATE, !link.is_valid_at(self.now));
            defects.note(
                Defects::INVALID,
                !link.may_be_for_servers() || strict_parsing::has_unknown_critical_extension(link),
            );
            if index == 0 {
                defects.note(Defects::INVALID, !policies.end(link));
                break;
            }
            defects.note(Defects::INVALID, !policies.pass(link));
            if link.subject != link.issuer {
                defects.note(Defects::INVALID, allowed == 0);
                allowed = allowed.saturating_sub(1);
            }
            defects.note(Defects::INVALID, !link.may_sign_certificates());
            match link.authority() {
                Authority::Denied | Authority::Unsaid => defects.note(Defects::INVALID, true),
                Authority::Limited(limit) => allowed = allowed.min(limit),
                Authority::Unlimited => {}
            }
            key = link.key;
        }
        defects
    }
}

/// The algorithms that can verify the signature of `certificate`; none if its algorithm is unknown or
/// the signed part names another one.
fn algorithms_of(
    certificate: &Certificate<'_>,
) -> Vec<&'static dyn SignatureVerificationAlgorithm> {
    let outer = certificate.signature_algorithm;
    let mut known = ALGORITHMS.all.to_vec();
    known.retain(|known| {
        known.signature_alg_id().as_ref() == outer && certificate.inner_algorithm == outer
    });
    known
}

/// What is wrong with the signature of `certificate`, which should be by this key.
fn check_signature(certificate: &Certificate<'_>, key: &PublicKey<'_>) -> Defects {
    let algorithms = algorithms_of(certificate);
    if algorithms.is_empty() {
        return Defects::INVALID;
    }
    // With such a key the path is refused anyway, and for the key. A wrong signature counts more than
    // a weak key.
    if !key.may_be_in_chains() {
        return Defects::default();
    }
    let right = algorithms.iter().any(|algorithm| {
        algorithm.public_key_alg_id().as_ref() == key.algorithm
            && algorithm
                .verify_signature(key.bits, certificate.signed, certificate.signature())
                .is_ok()
    });
    if right {
        Defects::default()
    } else {
        Defects::UNTRUSTED
    }
}

/// Whether one of them is the other, or another version of it.
fn is_same(one: &Certificate<'_>, other: &Certificate<'_>) -> bool {
    let names = |certificate: &Certificate<'_>| {
        let names = certificate.extension(oid::ALTERNATIVE_NAMES)?;
        Some(names.0.to_vec())
    };
    (one.subject, one.key_info) == (other.subject, other.key_info) && names(one) == names(other)
}

/// Whether Chromium uses such a certificate in a path.
pub(super) fn is_usable(certificate: &Certificate<'_>) -> bool {
    certificate.is_well_formed() && strict_parsing::has_sound_extensions(certificate)
}

fn key_defects(key: &PublicKey<'_>) -> Defects {
    let mut defects = Defects::default();
    let is_short = |key: RsaKey<'_>| key.length() < MIN_RSA_LENGTH;
    defects.note(Defects::WEAK_KEY, key.rsa().is_some_and(is_short));
    defects.note(Defects::INVALID, !key.may_be_in_chains());
    defects
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{
        BasicConstraints, CertificateParams, CertifiedIssuer, DnType, GeneralSubtree, IsCa,
        KeyPair, KeyUsagePurpose, NameConstraints, PKCS_ECDSA_P256_SHA256,
    };
    use rustls_native_certs::CertificateResult;

    use super::*;
    use crate::tls::trust::Sources;

    type Authority = CertifiedIssuer<'static, KeyPair>;

    fn key() -> KeyPair {
        KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
    }

    fn authority(name: &str) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params
    }

    fn below(issuer: &Authority, params: CertificateParams) -> Authority {
        CertifiedIssuer::signed_by(params, key(), issuer).unwrap()
    }

    fn leaf(issuer: &Authority) -> CertificateDer<'static> {
        let params = CertificateParams::new(["leaf.example".into()]).unwrap();
        params.signed_by(&key(), issuer).unwrap().into()
    }

    /// What is wrong with a server's certificate and others that it presents.
    fn problem(
        root: &Authority,
        leaf: &CertificateDer<'_>,
        presented: &[&Authority],
    ) -> Option<Problem> {
        let trust = TrustStore::load(&Sources::default(), || {
            let mut store = CertificateResult::default();
            store.certs.push(root.der().clone());
            store
        });
        let presented: Vec<_> = presented.iter().map(|issuer| issuer.der()).collect();
        let others: Vec<_> = presented
            .into_iter()
            .filter_map(Certificate::parse)
            .collect();
        let now = UnixTime::since_unix_epoch(Duration::from_hours(24 * 365 * 55));
        defects(&trust, &Certificate::parse(leaf).unwrap(), &others, now).problem()
    }

    #[test]
    fn the_search_ends_after_twenty_steps() {
        let root = CertifiedIssuer::self_signed(authority("root"), key()).unwrap();
        let right = below(&root, authority("middle"));
        let leaf = leaf(&right);
        let stranger = CertifiedIssuer::self_signed(authority("stranger"), key()).unwrap();
        let wrong: Vec<_> = (0..12)
            .map(|_| below(&stranger, authority("middle")))
            .collect();
        // A wrong issuer costs two steps: its own, and the one that finds no issuer of it.
        for (count, expected) in [(0, None), (9, None), (10, Some(Problem::Untrusted))] {
            let wrong = wrong.iter().take(count);
            let presented: Vec<_> = wrong.chain([&right]).collect();
            assert_eq!(problem(&root, &leaf, &presented), expected, "{count}");
        }
    }

    #[test]
    fn self_issued_authorities_are_exempt_from_name_constraints() {
        let root = CertifiedIssuer::self_signed(authority("root"), key()).unwrap();
        let mut constrained = authority("middle");
        constrained.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName("leaf.example".into())],
            excluded_subtrees: Vec::new(),
        });
        let constrained = below(&root, constrained);
        for (name, expected) in [("middle", None), ("lower", Some(Problem::Invalid))] {
            let mut renewed = authority(name);
            renewed.subject_alt_names =
                vec![rcgen::SanType::DnsName("other.example".try_into().unwrap())];
            let renewed = below(&constrained, renewed);
            let presented = [&renewed, &constrained];
            assert_eq!(
                problem(&root, &leaf(&renewed), &presented),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn every_presented_certificate_of_a_path_is_checked() {
        let root = CertifiedIssuer::self_signed(authority("root"), key()).unwrap();
        let mut closed = authority("closed");
        closed.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let closed = below(&root, closed);
        let lower = below(&closed, authority("lower"));
        let leaf_of = |issuer: &Authority| leaf(issuer);
        assert_eq!(problem(&root, &leaf_of(&closed), &[&closed]), None);
        let found = problem(&root, &leaf_of(&lower), &[&lower, &closed]);
        assert_eq!(found, Some(Problem::Invalid));
        assert_eq!(
            problem(&root, &leaf_of(&lower), &[&lower]),
            Some(Problem::Untrusted)
        );
    }
}
