//! The verdicts on every kind of certificate.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    NameConstraints, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA512,
    PKCS_ED25519, PKCS_RSA_SHA256, PublicKeyData, SanType, SignatureAlgorithm, date_time_ymd,
};
use rustls::pki_types::CertificateDer;

use super::*;

type Ca = CertifiedIssuer<'static, KeyPair>;

/// A certificate chain as a server presents it.
pub(super) struct Presented {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: KeyPair,
}

/// The authorities of all cases.
pub(super) struct World {
    root: Ca,
    rsa_root: Ca,
    unknown_root: Ca,
    intermediate: Ca,
    pub(super) trusted: Vec<CertificateDer<'static>>,
}

pub(super) struct Case {
    pub(super) what: &'static str,
    pub(super) host: &'static str,
    pub(super) presented: Presented,
    pub(super) code: i32,
}

fn ca_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid_now(&mut params);
    params
}

fn leaf_params(names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().copied().map(String::from).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "server");
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    valid_now(&mut params);
    params
}

fn valid_now(params: &mut CertificateParams) {
    (params.not_before, params.not_after) = (date_time_ymd(2024, 1, 1), date_time_ymd(2049, 1, 1));
}

fn expired(params: &mut CertificateParams) {
    (params.not_before, params.not_after) = (date_time_ymd(2010, 1, 1), date_time_ymd(2012, 1, 1));
}

fn not_yet_valid(params: &mut CertificateParams) {
    (params.not_before, params.not_after) = (date_time_ymd(2045, 1, 1), date_time_ymd(2049, 1, 1));
}

fn common_name(params: &mut CertificateParams, name: &str) {
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
}

fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
}

fn new_root(params: CertificateParams) -> Ca {
    Ca::self_signed(params, key()).unwrap()
}

fn below(issuer: &Ca, params: CertificateParams) -> Ca {
    Ca::signed_by(params, key(), issuer).unwrap()
}

/// A chain of a new leaf and the certificates that lead to its issuer, which comes first.
fn issue(params: &CertificateParams, issuers: &[&Ca]) -> Presented {
    issue_for(params, key(), issuers)
}

/// A chain may include the root.
fn issue_for(params: &CertificateParams, key: KeyPair, issuers: &[&Ca]) -> Presented {
    let leaf = params.signed_by(&key, issuers[0]).unwrap();
    let mut chain = vec![leaf.der().clone()];
    chain.extend(issuers.iter().map(|issuer| issuer.der().clone()));
    Presented { chain, key }
}

fn self_sign(params: &CertificateParams) -> Presented {
    let key = key();
    let chain = vec![params.self_signed(&key).unwrap().der().clone()];
    Presented { chain, key }
}

fn with<P>(mut params: P, change: impl FnOnce(&mut P)) -> P {
    change(&mut params);
    params
}

/// Replaces bytes wherever they occur; both strings have the same length.
fn patch(certificate: &CertificateDer<'_>, from: &[u8], to: &[u8]) -> CertificateDer<'static> {
    let mut bytes = certificate.to_vec();
    let places: Vec<_> = bytes
        .windows(from.len())
        .enumerate()
        .filter_map(|(index, window)| (window == from).then_some(index))
        .collect();
    assert!(!places.is_empty());
    for place in places {
        bytes[place..place + to.len()].copy_from_slice(to);
    }
    bytes.into()
}

/// An RSA key of 768 bits with unknown factors.
struct WeakKey(Vec<u8>);

impl WeakKey {
    fn new() -> Self {
        let modulus = [0xb5; 96];
        Self([&[0x30, 104, 2, 97, 0][..], &modulus, &[2, 3, 1, 0, 1]].concat())
    }
}

impl PublicKeyData for WeakKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

impl World {
    pub(super) fn new() -> Self {
        let root_ca = new_root(ca_params("root"));
        let rsa_key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
        let rsa_root = Ca::self_signed(ca_params("RSA root"), rsa_key).unwrap();
        let intermediate = below(&root_ca, ca_params("intermediate"));
        Self {
            trusted: vec![root_ca.der().clone(), rsa_root.der().clone()],
            root: root_ca,
            rsa_root,
            unknown_root: new_root(ca_params("unknown root")),
            intermediate,
        }
    }

    fn trust(&mut self, certificate: &CertificateDer<'static>) {
        self.trusted.push(certificate.clone());
    }

    fn trusted_root(&mut self, params: CertificateParams) -> Ca {
        let ca = new_root(params);
        self.trust(ca.der());
        ca
    }

    fn trusted_leaf(&mut self, params: &CertificateParams) -> Presented {
        let presented = self_sign(params);
        self.trust(&presented.chain[0]);
        presented
    }

    /// A valid chain.
    pub(super) fn good(&self) -> Presented {
        issue(&leaf_params(&["localhost"]), &[&self.root])
    }

    pub(super) fn cases(&mut self) -> Vec<Case> {
        let mut cases = Vec::new();
        self.keys_and_names(&mut |what, host, presented, code| {
            cases.push(Case {
                what,
                host,
                presented,
                code,
            });
        });
        self.dates_and_origins(&mut |what, host, presented, code| {
            cases.push(Case {
                what,
                host,
                presented,
                code,
            });
        });
        self.constraints(&mut |what, host, presented, code| {
            cases.push(Case {
                what,
                host,
                presented,
                code,
            });
        });
        self.encodings(&mut |what, host, presented, code| {
            cases.push(Case {
                what,
                host,
                presented,
                code,
            });
        });
        self.trusted_directly(&mut |what, host, presented, code| {
            cases.push(Case {
                what,
                host,
                presented,
                code,
            });
        });
        cases
    }

    #[rustfmt::skip]
    fn keys_and_names(&mut self, case: Add<'_>) {
        let leaf = leaf_params;
        let root = &[&self.root][..];
        let host = "localhost";
        let key_for = |algorithm| KeyPair::generate_for(algorithm).unwrap();

        case("a P-256 key", host, issue(&leaf(&[host]), root), 0);
        case("a P-384 key", host, issue_for(&leaf(&[host]), key_for(&PKCS_ECDSA_P384_SHA384), root), 0);
        case("an RSA key", host, issue_for(&leaf(&[host]), key_for(&PKCS_RSA_SHA256), &[&self.rsa_root]), 0);
        // The error depends on the server: this one notices only after its hello.
        case("a P-521 key", host, issue_for(&leaf(&[host]), key_for(&PKCS_ECDSA_P521_SHA512), root), -107);
        case("an Ed25519 key", host, issue_for(&leaf(&[host]), key_for(&PKCS_ED25519), root), -107);

        let weak = |names: &[&str], change: fn(&mut CertificateParams)| {
            let leaf = with(leaf(names), change).signed_by(&WeakKey::new(), &self.root).unwrap();
            Presented { chain: vec![leaf.der().clone()], key: key_for(&PKCS_RSA_SHA256) }
        };
        case("a weak key", host, weak(&[host], |_| ()), -211);
        case("a weak key and another name", host, weak(&["a.test"], |_| ()), -200);
        case("a weak key, expired", host, weak(&[host], expired), -211);

        case("another name", host, issue(&leaf(&["other.test"]), root), -200);
        case("the name among others", host, issue(&leaf(&["a.test", host, "b.test"]), root), 0);
        case("no alternative names", host, issue(&with(leaf(&[]), |p| common_name(p, host)), root), -200);
        case("the right common name but wrong alternative ones", host, issue(&with(leaf(&["a.test"]), |p| common_name(p, host)), root), -200);
        case("the name in capitals", host, issue(&leaf(&["LocalHost"]), root), 0);
        case("the name with a final dot", host, issue(&leaf(&["localhost."]), root), 0);
        case("a host with a final dot", "localhost.", issue(&leaf(&[host]), root), 0);
        case("a host in capitals", "LOCALHOST", issue(&leaf(&[host]), root), 0);
        case("a name with an underscore", "a_b.localhost", issue(&leaf(&["a_b.localhost"]), root), 0);
        case("a wildcard below a top-level domain", "foo.localhost", issue(&leaf(&["*.localhost"]), root), -200);
        case("a wildcard", "a.b.localhost", issue(&leaf(&["*.b.localhost"]), root), 0);
        case("a wildcard and a host with a final dot", "a.b.localhost.", issue(&leaf(&["*.b.localhost"]), root), 0);
        case("a wildcard for two labels", "a.b.c.localhost", issue(&leaf(&["*.c.localhost"]), root), -200);
        case("a wildcard for no label", "b.localhost", issue(&leaf(&["*.b.localhost"]), root), -200);
        case("a wildcard for a part of a label", "ab.c.localhost", issue(&leaf(&["a*.c.localhost"]), root), -200);
        case("a wildcard in the middle", "a.b.c.localhost", issue(&leaf(&["a.*.c.localhost"]), root), -200);
        case("a wildcard below a public suffix", "shop.co.uk", issue(&leaf(&["*.co.uk"]), root), -200);
        case("a wildcard two below a public suffix", "www.shop.co.uk", issue(&leaf(&["*.shop.co.uk"]), root), 0);
        case("a wildcard below a private suffix", "shop.github.io", issue(&leaf(&["*.github.io"]), root), 0);
        case("a name that DNS does not allow", "-a.localhost", issue(&leaf(&["-a.localhost"]), root), 0);
        case("a name that DNS does not allow, and another certificate", "a..localhost", issue(&leaf(&[host]), root), -200);
        case("nothing but a wildcard", host, issue(&leaf(&["*"]), root), -200);

        case("an IPv4 address", "127.0.0.1", issue(&leaf(&["127.0.0.1"]), root), 0);
        case("another IPv4 address", "127.0.0.1", issue(&leaf(&["127.0.0.2"]), root), -200);
        case("only a name for an IPv4 address", "127.0.0.1", issue(&leaf(&[host]), root), -200);
        case("an address written as a name", "127.0.0.1", issue(&with(leaf(&[]), |p| p.subject_alt_names = vec![SanType::DnsName("127.0.0.1".try_into().unwrap())]), root), -200);
        case("an IPv4 address mapped to IPv6", "127.0.0.1", issue(&leaf(&["::ffff:127.0.0.1"]), root), -200);
        case("an address for a name", host, issue(&leaf(&["127.0.0.1"]), root), -200);
    }

    #[rustfmt::skip]
    fn dates_and_origins(&mut self, case: Add<'_>) {
        let leaf = leaf_params;
        let host = "localhost";
        let (root_ca, intermediate) = (&self.root, &self.intermediate);
        let root = &[root_ca][..];
        let unknown = &[&self.unknown_root][..];

        case("expired", host, issue(&with(leaf(&[host]), expired), root), -201);
        case("not yet valid", host, issue(&with(leaf(&[host]), not_yet_valid), root), -201);
        case("expired, with another name", host, issue(&with(leaf(&["a.test"]), expired), root), -200);
        case("from an unknown authority", host, issue(&leaf(&[host]), unknown), -202);
        case("from an unknown authority, with another name", host, issue(&leaf(&["a.test"]), unknown), -202);
        case("from an unknown authority, expired", host, issue(&with(leaf(&[host]), expired), unknown), -202);
        case("from an unknown authority, expired, with another name", host, issue(&with(leaf(&["a.test"]), expired), unknown), -202);
        case("self-signed", host, self_sign(&leaf(&[host])), -202);
        case("self-signed, expired", host, self_sign(&with(leaf(&[host]), expired)), -202);
        case("a self-signed authority", host, self_sign(&with(leaf(&[host]), |p| p.is_ca = IsCa::Ca(BasicConstraints::Unconstrained))), -202);
        case("by an authority that only has the name of a known one", host, issue(&leaf(&[host]), &[&new_root(ca_params("root"))]), -202);
        case("by an authority that only has the name of a known one, expired", host, issue(&with(leaf(&[host]), expired), &[&new_root(ca_params("root"))]), -202);
        case("with a damaged signature", host, with(issue(&leaf(&[host]), root), |p| {
            let mut bytes = p.chain[0].to_vec();
            *bytes.last_mut().unwrap() ^= 1;
            p.chain[0] = bytes.into();
        }), -202);
        case("a root instead of a server certificate", host, Presented { chain: vec![self.unknown_root.der().clone()], key: KeyPair::try_from(self.unknown_root.key().serialize_der()).unwrap() }, -181);

        case("with an intermediate", host, issue(&leaf(&[host]), &[intermediate]), 0);
        case("with the whole chain", host, issue(&leaf(&[host]), &[intermediate, root_ca]), 0);
        case("without its intermediate", host, with(issue(&leaf(&[host]), &[intermediate]), |p| p.chain.truncate(1)), -202);
        let second = below(intermediate, ca_params("second intermediate"));
        case("with two intermediates", host, issue(&leaf(&[host]), &[&second, intermediate]), 0);
        case("with intermediates in the wrong order", host, with(issue(&leaf(&[host]), &[&second, intermediate]), |p| p.chain[1..].reverse()), 0);
        case("with certificates that have nothing to do with it", host, with(issue(&leaf(&[host]), &[intermediate]), |p| p.chain.insert(1, unknown[0].der().clone())), 0);
        case("with rubbish beside it", host, with(issue(&leaf(&[host]), root), |p| p.chain.push(vec![0x30, 0x03, 0x02, 0x01, 0x00].into())), 0);

        let old = below(root_ca, with(ca_params("old intermediate"), expired));
        let young = below(root_ca, with(ca_params("young intermediate"), not_yet_valid));
        case("with an expired intermediate", host, issue(&leaf(&[host]), &[&old]), -201);
        case("with an expired intermediate and another name", host, issue(&leaf(&["a.test"]), &[&old]), -200);
        case("with an intermediate that is not yet valid", host, issue(&leaf(&[host]), &[&young]), -201);
        case("expired, with an intermediate that is not yet valid", host, issue(&with(leaf(&[host]), expired), &[&young]), -201);
        let lost = below(unknown[0], with(ca_params("lost intermediate"), expired));
        case("with an expired intermediate of an unknown authority", host, issue(&leaf(&[host]), &[&lost]), -202);
        let renewed = Ca::signed_by(with(ca_params("intermediate"), expired), KeyPair::try_from(intermediate.key().serialize_der()).unwrap(), root_ca).unwrap();
        case("with an intermediate in an expired and in a renewed version", host, issue(&leaf(&[host]), &[&renewed, intermediate]), 0);
        case("valid for a long time", host, issue(&with(leaf(&[host]), |p| (p.not_before, p.not_after) = (date_time_ymd(2024, 1, 1), date_time_ymd(2034, 1, 1))), root), 0);
    }

    #[rustfmt::skip]
    fn constraints(&mut self, case: Add<'_>) {
        use ExtendedKeyUsagePurpose as Eku;
        use KeyUsagePurpose as Ku;
        let leaf = leaf_params;
        let host = "localhost";
        let eku = |purposes: &[Eku]| with(leaf(&[host]), |p| p.extended_key_usages = purposes.to_vec());
        let ku = |usages: &[Ku]| with(leaf(&[host]), |p| p.key_usages = usages.to_vec());
        let ca_leaf = |names: &[&str]| with(leaf(names), |p| p.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
        let critical = |critical| with(CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]), |e| e.set_criticality(critical));
        let extension = |is_critical| with(leaf(&[host]), |p| p.custom_extensions = vec![critical(is_critical)]);
        let names = |permitted: &[&str], excluded: &[&str]| {
            let subtrees = |names: &[&str]| names.iter().map(|&name| GeneralSubtree::DnsName(name.into())).collect();
            NameConstraints { permitted_subtrees: subtrees(permitted), excluded_subtrees: subtrees(excluded) }
        };
        let limited = self.trusted_root(with(ca_params("root without room"), |p| p.is_ca = IsCa::Ca(BasicConstraints::Constrained(0))));
        let no_ca = self.trusted_root(with(ca_params("root that is no authority"), |p| p.is_ca = IsCa::NoCa));
        let denied_root = self.trusted_root(with(ca_params("root that is called no authority"), |p| p.is_ca = IsCa::ExplicitNoCa));
        let no_signer = self.trusted_root(with(ca_params("root that may not sign"), |p| p.key_usages = vec![Ku::DigitalSignature]));
        let old_root = self.trusted_root(with(ca_params("old root"), expired));
        let future_root = self.trusted_root(with(ca_params("future root"), not_yet_valid));
        let client_root = self.trusted_root(with(ca_params("root for clients"), |p| p.extended_key_usages = vec![Eku::ClientAuth]));
        let narrow_root = self.trusted_root(with(ca_params("narrow root"), |p| p.name_constraints = Some(names(&["a.test"], &[]))));
        let (root_ca, intermediate) = (&self.root, &self.intermediate);
        let root = &[root_ca][..];
        let unknown = &[&self.unknown_root][..];

        case("for clients only", host, issue(&eku(&[Eku::ClientAuth]), root), -207);
        case("for clients only, with another name", host, issue(&with(eku(&[Eku::ClientAuth]), |p| p.subject_alt_names.clear()), root), -207);
        case("for clients only, expired", host, issue(&with(eku(&[Eku::ClientAuth]), expired), root), -201);
        case("for clients only, from an unknown authority", host, issue(&eku(&[Eku::ClientAuth]), unknown), -202);
        case("for clients and servers", host, issue(&eku(&[Eku::ClientAuth, Eku::ServerAuth]), root), 0);
        case("for any purpose", host, issue(&eku(&[Eku::Any]), root), 0);
        case("for no purpose in particular", host, issue(&eku(&[]), root), 0);
        let clients = below(root_ca, with(ca_params("intermediate for clients"), |p| p.extended_key_usages = vec![Eku::ClientAuth]));
        case("with an intermediate for clients only", host, issue(&leaf(&[host]), &[&clients]), -207);
        let any = below(root_ca, with(ca_params("intermediate for anything"), |p| p.extended_key_usages = vec![Eku::Any]));
        case("with an intermediate for any purpose", host, issue(&leaf(&[host]), &[&any]), 0);
        case("from a root for clients only", host, issue(&leaf(&[host]), &[&client_root]), -207);

        case("without key usage", host, issue(&ku(&[]), root), 0);
        case("an ECDSA key for key agreement only", host, issue(&ku(&[Ku::KeyAgreement]), root), -181);
        case("an ECDSA key for key agreement only, from an unknown authority", host, issue(&ku(&[Ku::KeyAgreement]), unknown), -181);
        case("an RSA key for encipherment only", host, issue_for(&ku(&[Ku::KeyEncipherment]), KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap(), root), -181);
        case("an RSA key for encipherment and signatures", host, issue_for(&ku(&[Ku::DigitalSignature, Ku::KeyEncipherment]), KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap(), root), 0);
        let silent = below(root_ca, with(ca_params("intermediate without key usage"), |p| p.key_usages = vec![]));
        case("with an intermediate without key usage", host, issue(&leaf(&[host]), &[&silent]), 0);
        let no_sign = below(root_ca, with(ca_params("intermediate that may not sign"), |p| p.key_usages = vec![Ku::DigitalSignature]));
        case("with an intermediate that may not sign certificates", host, issue(&leaf(&[host]), &[&no_sign]), -207);
        case("with an intermediate that may not sign certificates, expired", host, issue(&with(leaf(&[host]), expired), &[&no_sign]), -201);
        case("from a root that may not sign certificates", host, issue(&leaf(&[host]), &[&no_signer]), -207);

        let plain = below(root_ca, with(ca_params("intermediate without constraints"), |p| p.is_ca = IsCa::NoCa));
        case("with an intermediate that is not called an authority", host, issue(&leaf(&[host]), &[&plain]), -207);
        let denied = below(root_ca, with(ca_params("intermediate that is no authority"), |p| p.is_ca = IsCa::ExplicitNoCa));
        case("with an intermediate that is no authority", host, issue(&leaf(&[host]), &[&denied]), -207);
        case("from a root that is not called an authority", host, issue(&leaf(&[host]), &[&no_ca]), 0);
        case("from a root that is called no authority", host, issue(&leaf(&[host]), &[&denied_root]), -207);
        let stray = below(unknown[0], with(ca_params("stray"), |p| p.is_ca = IsCa::ExplicitNoCa));
        case("with an intermediate that is no authority, from an unknown authority", host, issue(&leaf(&[host]), &[&stray]), -202);
        let last = below(root_ca, with(ca_params("last intermediate"), |p| p.is_ca = IsCa::Ca(BasicConstraints::Constrained(0))));
        case("with an intermediate that must be the last", host, issue(&leaf(&[host]), &[&last]), 0);
        let beyond = below(&last, ca_params("intermediate beyond the last"));
        case("with an intermediate beyond the last", host, issue(&leaf(&[host]), &[&beyond, &last]), -207);
        case("from a root without room for intermediates", host, issue(&leaf(&[host]), &[&limited]), 0);
        let squeezed = below(&limited, ca_params("intermediate without room"));
        case("with an intermediate below a root without room for it", host, issue(&leaf(&[host]), &[&squeezed]), -207);
        let mut long = vec![below(root_ca, ca_params("1"))];
        for name in ["2", "3", "4", "5", "6"] {
            let next = below(long.last().unwrap(), ca_params(name));
            long.push(next);
        }
        case("with six intermediates", host, issue(&leaf(&[host]), &long.iter().rev().collect::<Vec<_>>()), 0);

        let narrow = below(root_ca, with(ca_params("narrow intermediate"), |p| p.name_constraints = Some(names(&["localhost"], &[]))));
        case("within its issuer's name constraints", host, issue(&leaf(&[host]), &[&narrow]), 0);
        case("outside its issuer's name constraints", host, issue(&leaf(&[host, "a.test"]), &[&narrow]), -207);
        let barred = below(root_ca, with(ca_params("barred intermediate"), |p| p.name_constraints = Some(names(&[], &["localhost"]))));
        case("excluded by its issuer's name constraints", host, issue(&leaf(&[host]), &[&barred]), -207);
        case("outside the root's name constraints", host, issue(&leaf(&[host]), &[&narrow_root]), -207);

        case("with an unknown extension", host, issue(&extension(false), root), 0);
        case("with an unknown critical extension", host, issue(&extension(true), root), -207);
        case("with an unknown critical extension, expired", host, issue(&with(extension(true), expired), root), -201);
        case("with an unknown critical extension, from an unknown authority", host, issue(&extension(true), unknown), -202);
        case("with an unknown critical extension and another name", "b.localhost", issue(&extension(true), root), -207);

        case("without a subject", host, issue(&with(leaf(&[host]), |p| p.distinguished_name = DistinguishedName::new()), root), 0);
        case("an authority's certificate", host, issue(&ca_leaf(&[host]), root), 0);
        case("an authority's certificate, with an intermediate", host, issue(&ca_leaf(&[host]), &[intermediate]), 0);
        case("an authority's certificate, expired", host, issue(&with(ca_leaf(&[host]), expired), root), -201);
        case("an authority's certificate, with another name", host, issue(&ca_leaf(&["a.test"]), root), -200);
        case("an authority's certificate, for clients only", host, issue(&with(ca_leaf(&[host]), |p| p.extended_key_usages = vec![Eku::ClientAuth]), root), -207);
        case("an authority's certificate, from an unknown authority", host, issue(&ca_leaf(&[host]), unknown), -202);
        case("an authority's certificate, in the name of a root", host, issue(&with(ca_leaf(&[host]), |p| common_name(p, "root")), unknown), -202);
        case("an authority's certificate, from a root without room for intermediates", host, issue(&ca_leaf(&[host]), &[&limited]), 0);

        case("from an expired root", host, issue(&leaf(&[host]), &[&old_root]), -201);
        case("from a root that is not yet valid", host, issue(&leaf(&[host]), &[&future_root]), -201);
        case("from an expired root, with another name", host, issue(&leaf(&["a.test"]), &[&old_root]), -200);
    }

    #[rustfmt::skip]
    fn encodings(&mut self, case: Add<'_>) {
        let host = "localhost";
        let good = || self.good();

        // 1.2.840.113549.1.1.11 becomes 1.2.840.113549.1.1.5. The signature becomes invalid, too,
        // but is not checked.
        case("signed with SHA-1", host, with(issue(&leaf_params(&[host]), &[&self.rsa_root]), |p| {
            p.chain[0] = patch(&p.chain[0], &[0xf7, 0x0d, 0x01, 0x01, 0x0b], &[0xf7, 0x0d, 0x01, 0x01, 0x05]);
        }), -207);
        case("signed with SHA-1, expired", host, with(issue(&with(leaf_params(&[host]), expired), &[&self.rsa_root]), |p| {
            p.chain[0] = patch(&p.chain[0], &[0xf7, 0x0d, 0x01, 0x01, 0x0b], &[0xf7, 0x0d, 0x01, 0x01, 0x05]);
        }), -207);
        case("with a date that does not exist", host, with(good(), |p| {
            let at = p.chain[0].windows(2).position(|bytes| bytes == [0x17, 0x0d]).unwrap();
            let mut bytes = p.chain[0].to_vec();
            bytes[at + 4..at + 6].copy_from_slice(b"13");
            p.chain[0] = bytes.into();
        }), -167);
        case("with an empty certificate beside it", host, with(good(), |p| p.chain.push(Vec::new().into())), -107);
        case("with an extension twice", host, issue(&with(leaf_params(&[host]), |p| {
            p.custom_extensions = vec![CustomExtension::from_oid_content(&[1, 2, 3], vec![5, 0]); 2];
        }), &[&self.root]), -207);
        case("rubbish", host, with(good(), |p| p.chain = vec![vec![0x30, 0x03, 0x02, 0x01, 0x00].into()]), -107);
        case("cut short", host, with(good(), |p| {
            let length = p.chain[0].len() - 10;
            p.chain[0] = p.chain[0][..length].to_vec().into();
        }), -107);
        case("with a byte behind it", host, with(good(), |p| {
            p.chain[0] = [&p.chain[0][..], &[0]].concat().into();
        }), -107);
    }

    #[rustfmt::skip]
    fn trusted_directly(&mut self, case: Add<'_>) {
        use ExtendedKeyUsagePurpose as Eku;
        let leaf = leaf_params;
        let host = "localhost";
        let named = |name: &str, names: &[&str]| with(leaf(names), |p| common_name(p, name));

        case("trusted itself", host, self.trusted_leaf(&named("trusted", &[host])), 0);
        case("trusted itself, an authority", host, self.trusted_leaf(&with(named("trusted authority", &[host]), |p| p.is_ca = IsCa::Ca(BasicConstraints::Unconstrained))), 0);
        case("trusted itself, with another name", host, self.trusted_leaf(&named("trusted, other", &["a.test"])), -200);
        case("trusted itself, expired", host, self.trusted_leaf(&with(named("trusted, old", &[host]), expired)), -201);
        case("trusted itself, for clients only", host, self.trusted_leaf(&with(named("trusted, client", &[host]), |p| p.extended_key_usages = vec![Eku::ClientAuth])), -207);
        case("with the subject of a trusted server certificate", host, self_sign(&named("trusted", &[host])), -202);
        let server = self.trusted_leaf(&named("trusted issuer", &["a.test"]));
        let params = named("trusted issuer", &["a.test"]);
        let issuer = Issuer::from_params(&params, &server.key);
        let key = key();
        let child = leaf(&[host]).signed_by(&key, &issuer).unwrap();
        case("from a trusted server certificate", host, Presented { chain: vec![child.der().clone(), server.chain[0].clone()], key }, -207);
    }
}

type Add<'a> = &'a mut dyn FnMut(&'static str, &'static str, Presented, i32);

#[test]
fn an_rsa_key_that_may_not_sign_is_refused_first_in_tls_1_3_and_last_in_tls_1_2() {
    let mut world = World::new();
    world.cases();
    let client = client_trusting(&world.trusted);
    let may_encipher = with(leaf_params(&["localhost"]), |params| {
        params.key_usages = vec![KeyUsagePurpose::KeyEncipherment];
    });
    for (issuer, host, in_tls12) in [
        (&world.root, "localhost", -181),
        (&world.root, "other.localhost", -200),
        (&world.unknown_root, "localhost", -202),
    ] {
        let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
        let presented = issue_for(&may_encipher, key, &[issuer]);
        let address = serve_tls(server_config(presented.chain, &presented.key));
        for (version, expected) in [("tls1.2", in_tls12), ("tls1.3", -181)] {
            let versions = TlsVersionRange::parse(Some(version), Some(version));
            let code = handshake_code(&client, address, host, versions);
            assert_eq!(code, expected, "{host}, {version}");
        }
    }
}

#[test]
fn certificates_get_chromiums_verdict() {
    let mut world = World::new();
    let cases = world.cases();
    let client = client_trusting(&world.trusted);
    let mut wrong = Vec::new();
    for Case {
        what,
        host,
        presented,
        code,
    } in cases
    {
        let address = serve_tls(server_config(presented.chain, &presented.key));
        let answer = handshake_code(&client, address, host, ANY_VERSION);
        if answer != code {
            wrong.push(format!("{what} ({host}): {answer} instead of {code}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
