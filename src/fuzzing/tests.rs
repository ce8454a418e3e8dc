//! Runs the corpus, and records it.

use std::path::{Path, PathBuf};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::{rsa, signature as rsa_padding};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_RSA_SHA256, RsaKeySize, date_time_ymd,
};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection,
    SupportedProtocolVersion,
};

use super::*;
use crate::tls::verifier::ServerVerifier;

type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 8] = [
    ("certificates", certificates),
    ("handshake", handshake),
    ("host", host),
    ("modpow", modpow),
    ("records", records),
    ("settings", settings),
    ("signature", signature),
    ("trust", trust),
];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz")
        .join(name)
}

#[test]
fn every_input_of_the_corpus_passes() {
    for (name, target) in TARGETS {
        let mut inputs = 0;
        for entry in fs::read_dir(folder("corpus").join(name)).unwrap() {
            let path = entry.unwrap().path();
            // The report of a panic follows the name of the file.
            println!("{}", path.display());
            target(&fs::read(path).unwrap());
            inputs += 1;
        }
        assert!(inputs > 0, "{name} has no corpus");
    }
}

#[test]
fn handshakes_with_the_recorded_servers_succeed() {
    let seeds = folder("corpus").join("handshake");
    for name in ["tls-1.3", "tls-1.3-hello-retry", "tls-1.3-asks", "tls-1.2"] {
        let flight = fs::read(seeds.join(name)).unwrap();
        let client =
            Client::with_cryptography(no_cryptography::provider(), &TRUST, &TlsSettings::none());
        let client = client.unwrap_or_else(|_| unreachable!());
        let server = Server {
            flight: &flight[1..],
        };
        let most = name.starts_with("tls-1.2").then_some("tls1.2");
        let versions = TlsVersionRange::parse(None, most);
        let handshake = pin!(client.connect(server, "localhost", versions));
        let Poll::Ready(result) = handshake.poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("{name} waits");
        };
        let secured = result.map_err(|(error, _)| error).expect(name);
        let rest = secured.stream.flight;
        assert_eq!(session::decrypt(secured, rest), b"hello", "{name}");
    }
}

// ---- Recording the corpus
// -------------------------------------------------------------------------

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2060, 1, 1);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

fn authority_params() -> CertificateParams {
    let mut params = params(&[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

/// The flight of a server to a client with null cryptography.
fn flight(
    chain: &[CertificateDer<'static>],
    key: &KeyPair,
    version: &'static SupportedProtocolVersion,
    asks: bool,
    retry: bool,
) -> Vec<u8> {
    let provider = no_cryptography::provider();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let key = provider.key_provider.load_private_key(key.into()).unwrap();
    let key = SingleCertAndKey::from(CertifiedKey::new(chain.to_vec(), key));
    let mut servers = provider.clone();
    if retry {
        servers.kx_groups.remove(0);
    }
    let servers = Arc::new(servers);
    let builder = ServerConfig::builder_with_provider(Arc::clone(&servers))
        .with_protocol_versions(&[version])
        .unwrap();
    let builder = if asks {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(AUTHORITY)).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), servers);
        builder.with_client_cert_verifier(verifier.allow_unauthenticated().build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let mut server =
        ServerConnection::new(Arc::new(builder.with_cert_resolver(Arc::new(key)))).unwrap();

    let verifier = Arc::new(ServerVerifier::new(
        Arc::clone(&TRUST),
        "localhost".into(),
        Arc::default(),
    ));
    let config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[version])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();

    let mut sent = Vec::new();
    for round in 0..6 {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).unwrap();
        }
        server.read_tls(&mut &bytes[..]).unwrap();
        server.process_new_packets().unwrap();
        if round == 4 {
            io::Write::write_all(&mut server.writer(), b"hello").unwrap();
            if version.version == TLS13.version {
                server.refresh_traffic_keys().unwrap();
            }
            server.send_close_notify();
        }
        let mut bytes = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut bytes).unwrap();
        }
        client.read_tls(&mut &bytes[..]).unwrap();
        let _ = client.process_new_packets();
        sent.extend(bytes);
    }
    sent
}

fn pieces(pieces: &[&[u8]]) -> Vec<u8> {
    let lengths = pieces
        .iter()
        .map(|piece| u16::try_from(piece.len()).unwrap());
    let bytes = lengths.zip(pieces).flat_map(|(length, piece)| {
        let length = length.to_be_bytes();
        length.into_iter().chain(piece.iter().copied())
    });
    bytes.collect()
}

/// Run it twice: the second recording trusts the certificates that the first one wrote.
#[test]
#[ignore = "writes the corpus afresh"]
#[allow(clippy::too_many_lines, reason = "one seed after the other")]
fn record() {
    let write = |path: &str, bytes: &[u8]| {
        let path = folder(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    let certificates = folder("certificates");
    let saved = |name: &str| fs::read(certificates.join(name)).ok();

    // Kept beside the build, so that the second run signs with the keys of the first.
    let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/fuzz-keys");
    fs::create_dir_all(&keys).unwrap();
    let key = |name: &str| {
        let path = keys.join(name);
        if let Ok(pem) = fs::read_to_string(&path) {
            return KeyPair::from_pem(&pem).unwrap();
        }
        let key = KeyPair::generate().unwrap();
        fs::write(path, key.serialize_pem()).unwrap();
        key
    };
    let authority = CertifiedIssuer::self_signed(authority_params(), key("authority")).unwrap();
    let server_key = key("server");
    let server = params(&["localhost", "127.0.0.1"]);
    let server = server.signed_by(&server_key, &authority).unwrap();
    let intermediate_key = key("intermediate");
    let mut below = authority_params();
    below.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let intermediate = CertifiedIssuer::signed_by(below, intermediate_key, &authority).unwrap();
    let leaf = params(&["a.localhost", "*.localhost", "::1"]);
    let leaf = leaf.signed_by(&server_key, &intermediate).unwrap();
    if saved("authority.der").is_none() || saved("authority.der").unwrap().is_empty() {
        write("certificates/authority.der", authority.as_ref().der());
        write("certificates/server.der", server.der());
        write("certificates/other-server.der", leaf.der());
        write("certificates/intermediate.der", intermediate.as_ref().der());
        let rsa_key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        fs::write(keys.join("rsa"), rsa_key.serialize_der()).unwrap();
        write("certificates/rsa-key.der", rsa_key.public_key_raw());
        return;
    }
    let server = CertificateDer::from(SERVER);

    // Handshakes.
    let chain = [server.clone()];
    let seeds: [(&str, u8, _, bool, bool); 5] = [
        ("tls-1.3", 0b1_0100, &TLS13, false, false),
        ("tls-1.3-hello-retry", 0b1_0100, &TLS13, false, true),
        ("tls-1.3-asks", 0b1_0101, &TLS13, true, false),
        ("tls-1.2", 0b1_0010, &TLS12, false, false),
        ("tls-1.2-asks", 0b1_0011, &TLS12, true, false),
    ];
    for (name, choice, version, asks, retry) in seeds {
        let sent = flight(&chain, &server_key, version, asks, retry);
        write(
            &format!("corpus/handshake/{name}"),
            &[&[choice], &sent[..]].concat(),
        );
    }
    write("corpus/handshake/alert", &[0, 21, 3, 3, 0, 2, 2, 40]);
    write("corpus/handshake/close-notify", &[0, 21, 3, 3, 0, 2, 1, 0]);

    // Chains.
    let chain = |name: &str, choice: u8, chain: &[&[u8]]| {
        let bytes = [&[choice], &pieces(chain)[..]].concat();
        write(&format!("corpus/certificates/{name}"), &bytes);
    };
    chain("good", 1, &[SERVER]);
    chain("expired", 4, &[SERVER, AUTHORITY]);
    let intermediate = saved("intermediate.der").unwrap();
    chain("intermediate", 2, &[OTHER_SERVER, &intermediate]);
    let mut authority_as_leaf = authority_params();
    authority_as_leaf.subject_alt_names = params(&["localhost"]).subject_alt_names;
    let other = CertifiedIssuer::self_signed(authority_as_leaf, KeyPair::generate().unwrap());
    let other = other.unwrap();
    chain(
        "authority",
        9,
        &[other.as_ref().der(), other.as_ref().der()],
    );
    let rsa = fs::read(keys.join("rsa")).unwrap();
    let rsa_key = KeyPair::from_pkcs8_der_and_sign_algo(
        &PrivatePkcs8KeyDer::from(rsa.clone()),
        &PKCS_RSA_SHA256,
    );
    let rsa_leaf = params(&["localhost"])
        .self_signed(&rsa_key.unwrap())
        .unwrap();
    chain("rsa", 9, &[rsa_leaf.der(), rsa_leaf.der()]);

    // Signatures.
    let rsa = rsa::KeyPair::from_pkcs8(&rsa).unwrap();
    let message = b"signed";
    let mut made = vec![0; rsa.public_modulus_len()];
    let mut sign = |name: &str, padding: &'static dyn rsa_padding::RsaEncoding| {
        rsa.sign(padding, &SystemRandom::new(), message, &mut made)
            .unwrap();
        for (key, kind) in [(&[][..], "known"), (RSA_KEY, "given")] {
            let bytes = [&pieces(&[key, &made])[..], message].concat();
            write(&format!("corpus/signature/{name}-{kind}"), &bytes);
        }
    };
    sign("pss-sha256", &rsa_padding::RSA_PSS_SHA256);
    sign("pss-sha384", &rsa_padding::RSA_PSS_SHA384);
    sign("pss-sha512", &rsa_padding::RSA_PSS_SHA512);
    sign("pkcs1-sha256", &rsa_padding::RSA_PKCS1_SHA256);

    // An RSA key is a sequence; the modulus starts after eight bytes and a zero.
    let modulus = &RSA_KEY[9..][..256];
    write(
        "corpus/modpow/rsa",
        &[&pieces(&[modulus])[..], &made].concat(),
    );
    write("corpus/modpow/small", &[0, 2, 0x7f, 0xff, 0x12, 0x34]);

    // The remaining targets.
    let pem = CertificateParams::default()
        .self_signed(&KeyPair::generate().unwrap())
        .unwrap()
        .pem();
    write("corpus/trust/one", pem.as_bytes());
    write(
        "corpus/trust/two",
        [&pem[..], &pem[..200], "\n", &pem].concat().as_bytes(),
    );
    let own_key = KeyPair::generate().unwrap();
    let own = params(&["client"]).self_signed(&own_key).unwrap();
    write(
        "corpus/settings/identity",
        &pieces(&[own.der(), own.der(), &own_key.serialize_der()]),
    );
    write("corpus/settings/nothing", &pieces(&[&[], &[], &[]]));
    let stream = [
        &pieces(&[&[1, 2, 3]])[..],
        &[
            23, 3, 3, 0, 3, 1, 2, 3, 23, 3, 3, 0, 0, 23, 3, 3, 0, 1, 9, 22, 3,
        ],
    ];
    write("corpus/records/stream", &stream.concat());
    for host in [
        "localhost",
        "a.example.com.",
        "::ffff:127.0.0.1",
        "fe80::1%1",
    ] {
        // Windows reserves the colon, and names there cannot end with a dot.
        let name = host.replace([':', '%', '.'], "-");
        write(&format!("corpus/host/{name}"), host.as_bytes());
    }
}
