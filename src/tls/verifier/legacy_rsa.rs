//! Signatures by RSA keys of fewer than 2048 bits.
//!
//! Chromium still accepts keys of 1024 bits, which old private authorities use. It refuses shorter ones,
//! but reports a wrong signature before a weak key. `aws-lc-rs` verifies PKCS #1 v1.5 signatures by keys
//! of 1024 bits and RSA-PSS, which TLS 1.3 uses, only by longer ones. All data here is public.

use aws_lc_rs::{
    digest::{self, Digest, digest},
    signature::{self, UnparsedPublicKey, VerificationAlgorithm},
};
use rustls::pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};
use webpki::aws_lc_rs as signatures;

use super::{modpow::modpow, public_key::RsaKey};

/// The key lengths that the standard algorithms refuse.
const SHORT: std::ops::Range<usize> = 1..2048;

/// The length from which on `aws-lc-rs` verifies PKCS #1 v1.5 signatures.
const LEGACY: usize = 1024;

/// `DigestInfo` of RFC 8017, section 9.2, up to the digest.
const SHA256_INFO: &[u8] =
    b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";
const SHA512_INFO: &[u8] =
    b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40";

/// The least number of padding bytes: RFC 8017, section 9.2.
const MIN_PADDING: usize = 8;

/// The public exponents that `BoringSSL` accepts: odd ones of at most 33 bits.
const EXPONENTS: std::ops::Range<u64> = 3..1 << 33;

pub(super) static RSA_PKCS1_SHA256: &dyn SignatureVerificationAlgorithm = &AnyLength {
    long: signatures::RSA_PKCS1_2048_8192_SHA256,
    short: Padding::Pkcs1 {
        legacy: &signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        hash: &digest::SHA256,
        info: SHA256_INFO,
    },
};

pub(super) static RSA_PKCS1_SHA512: &dyn SignatureVerificationAlgorithm = &AnyLength {
    long: signatures::RSA_PKCS1_2048_8192_SHA512,
    short: Padding::Pkcs1 {
        legacy: &signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        hash: &digest::SHA512,
        info: SHA512_INFO,
    },
};

pub(super) static RSA_PSS_SHA256: &dyn SignatureVerificationAlgorithm = &AnyLength {
    long: signatures::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
    short: Padding::Pss(&digest::SHA256),
};

pub(super) static RSA_PSS_SHA384: &dyn SignatureVerificationAlgorithm = &AnyLength {
    long: signatures::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
    short: Padding::Pss(&digest::SHA384),
};

pub(super) static RSA_PSS_SHA512: &dyn SignatureVerificationAlgorithm = &AnyLength {
    long: signatures::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
    short: Padding::Pss(&digest::SHA512),
};

/// An algorithm for every key length that Chromium accepts.
#[derive(Debug)]
struct AnyLength {
    long: &'static dyn SignatureVerificationAlgorithm,
    short: Padding,
}

#[derive(Debug)]
enum Padding {
    Pkcs1 {
        legacy: &'static dyn VerificationAlgorithm,
        hash: &'static digest::Algorithm,
        info: &'static [u8],
    },
    Pss(&'static digest::Algorithm),
}

impl SignatureVerificationAlgorithm for AnyLength {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let Some(key) = RsaKey::parse(public_key).filter(|key| SHORT.contains(&key.length()))
        else {
            return self.long.verify_signature(public_key, message, signature);
        };
        match self.short {
            Padding::Pkcs1 { legacy, .. } if key.length() >= LEGACY => {
                UnparsedPublicKey::new(legacy, public_key)
                    .verify(message, signature)
                    .map_err(|_| InvalidSignature)
            }
            Padding::Pkcs1 { hash, info, .. } => verify_pkcs1(&key, hash, info, message, signature),
            Padding::Pss(hash) => verify_pss(&key, hash, message, signature),
        }
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.long.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.long.signature_alg_id()
    }
}

/// The encoded message of a signature, without its leading zeros.
fn encoded_message(key: &RsaKey<'_>, signature: &[u8]) -> Result<Vec<u8>, InvalidSignature> {
    (signature.len() == key.length().div_ceil(8))
        .then(|| modpow(signature, exponent(key)?, key.modulus))
        .flatten()
        .ok_or(InvalidSignature)
}

/// RSASSA-PKCS1-V1_5-VERIFY of RFC 8017.
fn verify_pkcs1(
    key: &RsaKey<'_>,
    hash: &'static digest::Algorithm,
    info: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), InvalidSignature> {
    let encoded = encoded_message(key, signature)?;
    let digest = digest(hash, message);
    // The first byte of the encoded message is zero; 1 and 0 enclose the padding.
    let used = info.len() + digest.as_ref().len() + 3;
    let padding = signature
        .len()
        .checked_sub(used)
        .filter(|&length| length >= MIN_PADDING)
        .ok_or(InvalidSignature)?;
    let padding = vec![0xff; padding];
    if encoded == [&[1], &padding[..], &[0], info, digest.as_ref()].concat() {
        Ok(())
    } else {
        Err(InvalidSignature)
    }
}

/// RSASSA-PSS-VERIFY of RFC 8017 with a salt as long as the hash.
fn verify_pss(
    key: &RsaKey<'_>,
    hash: &'static digest::Algorithm,
    message: &[u8],
    signature: &[u8],
) -> Result<(), InvalidSignature> {
    let encoded = encoded_message(key, signature)?;
    let encoded_bits = key.length() - 1;
    if is_pss_encoding(&encoded, encoded_bits, hash, message).is_some() {
        Ok(())
    } else {
        Err(InvalidSignature)
    }
}

fn exponent(key: &RsaKey<'_>) -> Option<u64> {
    let mut bytes = [0; size_of::<u64>()];
    let unused = bytes.len().checked_sub(key.exponent.len())?;
    bytes.get_mut(unused..)?.copy_from_slice(key.exponent);
    let exponent = u64::from_be_bytes(bytes);
    (EXPONENTS.contains(&exponent) && exponent % 2 == 1).then_some(exponent)
}

/// EMSA-PSS-VERIFY of RFC 8017, for an encoded message without its leading zeros.
fn is_pss_encoding(
    encoded: &[u8],
    encoded_bits: usize,
    hash: &'static digest::Algorithm,
    message: &[u8],
) -> Option<()> {
    const TRAILER: u8 = 0xbc;

    let length = encoded_bits.div_ceil(8);
    let hash_length = hash.output_len();
    let mut block = vec![0; length.checked_sub(encoded.len())?];
    block.extend_from_slice(encoded);

    let masked_length = length.checked_sub(hash_length + 1)?;
    let (masked, rest) = block.split_at_mut_checked(masked_length)?;
    let (expected, trailer) = rest.split_at_checked(hash_length)?;
    if trailer != [TRAILER] {
        return None;
    }

    let unused_bits = 8 * length - encoded_bits;
    let used = u8::MAX.checked_shr(u32::try_from(unused_bits).ok()?)?;
    let first = masked.first_mut()?;
    if *first & !used != 0 {
        return None;
    }
    unmask(masked, hash, expected);
    *masked.first_mut()? &= used;

    let (padding, salt) = masked.split_at_checked(masked_length.checked_sub(hash_length)?)?;
    let (one, zeros) = padding.split_last()?;
    if *one != 1 || zeros.iter().any(|&byte| byte != 0) {
        return None;
    }
    let message_digest = digest(hash, message);
    let actual = digest_of(hash, &[&[0; 8], message_digest.as_ref(), salt]);
    (actual.as_ref() == expected).then_some(())
}

/// Removes the MGF1 mask.
fn unmask(masked: &mut [u8], hash: &'static digest::Algorithm, seed: &[u8]) {
    for (counter, part) in (0u32..).zip(masked.chunks_mut(hash.output_len())) {
        let mask = digest_of(hash, &[seed, &counter.to_be_bytes()]);
        for (byte, mask) in part.iter_mut().zip(mask.as_ref()) {
            *byte ^= mask;
        }
    }
}

fn digest_of(hash: &'static digest::Algorithm, parts: &[&[u8]]) -> Digest {
    let mut context = digest::Context::new(hash);
    for part in parts {
        context.update(part);
    }
    context.finish()
}

/// Checks an RSA-PSS signature with this module and with `aws-lc-rs`, for a key that both can
/// parse.
#[cfg(any(fuzzing, test))]
pub(super) fn compare(public_key: &[u8], message: &[u8], signature: &[u8]) {
    let Some(key) = RsaKey::parse(public_key).filter(|key| (2048..=8192).contains(&key.length()))
    else {
        return;
    };
    let pairs = [
        (
            &digest::SHA256,
            signatures::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
        ),
        (
            &digest::SHA384,
            signatures::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
        ),
        (
            &digest::SHA512,
            signatures::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
        ),
    ];
    for (hash, theirs) in pairs {
        let ours = verify_pss(&key, hash, message, signature).is_ok();
        let theirs = theirs
            .verify_signature(public_key, message, signature)
            .is_ok();
        assert_eq!(ours, theirs, "of a signature with {hash:?}");
    }
}

/// Encodes a message for keys of many lengths (EMSA-PSS-ENCODE of RFC 8017) and checks whether a
/// mutated encoding still verifies.
#[cfg(any(fuzzing, test))]
pub(super) fn change(message: &[u8], change: &[u8]) {
    for hash in [&digest::SHA256, &digest::SHA384, &digest::SHA512] {
        let bits = LEGACY - 1 + message.len() % (SHORT.end - LEGACY);
        let length = bits.div_ceil(8);
        let hash_length = hash.output_len();
        let Some(zeros) = length.checked_sub(2 * hash_length + 2) else {
            continue;
        };
        let message_digest = digest(hash, message);
        let salt = digest(hash, message_digest.as_ref());
        let seed = digest_of(hash, &[&[0; 8], message_digest.as_ref(), salt.as_ref()]);
        let mut encoded = [&vec![0; zeros][..], &[1], salt.as_ref()].concat();
        unmask(&mut encoded, hash, seed.as_ref());
        for (byte, used) in encoded.iter_mut().zip([u8::MAX >> (8 * length - bits)]) {
            *byte &= used;
        }
        encoded.extend(seed.as_ref());
        encoded.push(0xbc);

        let mut changed = encoded.clone();
        for part in change.chunks(length) {
            for (byte, change) in changed.iter_mut().zip(part) {
                *byte ^= change;
            }
        }
        let leading = changed.iter().take_while(|&&byte| byte == 0).count();
        let given = changed.get(leading..).unwrap_or_default();
        let passes = is_pss_encoding(given, bits, hash, message).is_some();
        assert_eq!(passes, changed == encoded, "of {bits} bits with {hash:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Created by OpenSSL with a key of 1024 bits.
    const MESSAGE: &[u8] = b"signed by a short key";
    const KEY: &str = "\
        30818902818100aa7c2e191511d89afd461311c9be67d4a88496273e971984df1b046e23e6b5b895\
        70c346bad4dfceec1b8e42e921d765eb152fa2db51817c5560fc7bf8988e8394eadf4da5cbb7defc\
        8ee384478b67c2cb228e0c21bf63ede8485c232fe20ccf14c91cc08743821f2b949f913818ee6574\
        bafcd993ff4b006d912653986345630203010001";
    const PSS_SHA256: &str = "\
        0b50ba126ca9cdeebec9946072728a62ec0efbea6be4fa11b6839db0ef0c594f00c8038fe6bf631a\
        5e79bdef6b0d0e6c70c6c8517714bb651f7a638199f4cc237126bb30846ac820b594b6dff8ff3e30\
        96776f3962bca2e97494716ce0fcbc71ec0d7af09ecd8f73fc1b3118821ef2106b1a25fd1aa408e2\
        4a56d57e889e33d3";
    const PSS_SHA384: &str = "\
        2a6b962d33674da38a02b8d91587f1ce313dbaef501f871eee3472c8676f5d64e7873140b4c6c23c\
        2527f15bde4dfa2c0577537d3163ada53c31a1b938c27af9869f7a0ca8a71d61399bc3ccc9c2bfad\
        f7f5ad90a4dd62efc1c2bf089c24c96040cabf4e68e725cb844ec27e16a3fe6fec98c8efd8344516\
        9339f7e7d074a8aa";
    const PKCS1_SHA256: &str = "\
        12b0c540704701e3cd5765f1967f663b5bec50577ac93235b7db68e0ce6c28e153beea92f8c79d11\
        9f43568b4687ad91b3d9a65ed8bf6043006d3fcef814466b4328cc9747b28d6a2e14f927e108aef0\
        d6c3ad0f093da4b77bd9c3efc92c7cd184d6f3443b162ab33ad5011c3195b697909666db58b6c232\
        6c2baca17743bc9e";

    // Created by OpenSSL with a key of 768 bits.
    const WEAK_KEY: &str = "\
        3068026100bb14af38eec9b15e7783bb7fd00a006b10d97980ea95a9dd95d284aeeff9f4f21f4ac8\
        31a5a03f35bdbebe293e285d6b715539de2f46ec589562c26282a3ec18f35cc92c186ea67c37b54f\
        f3427125cac8047651df269a50fcf5554b6c2135c50203010001";
    const WEAK_PKCS1_SHA256: &str = "\
        a8019d27de46a1c24b1c5479a68cfa73c837451c712a99161f48150e7f348a8ce3e57f849cf8f94d\
        dce1db0f7e9678f8c59eb1a5212def057d1ae8db01afdf6cbe901a6cee46e28ced8e7385d0e807d5\
        283f6f0f268051e4f315fff196066382";

    fn bytes(hex: &str) -> Vec<u8> {
        hex.as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    #[test]
    fn signatures_of_short_keys_are_verified() {
        let key = bytes(KEY);
        let table = [
            (RSA_PSS_SHA256, PSS_SHA256),
            (RSA_PSS_SHA384, PSS_SHA384),
            (RSA_PKCS1_SHA256, PKCS1_SHA256),
        ];
        for (algorithm, signature) in table {
            let signature = bytes(signature);
            assert!(
                algorithm
                    .verify_signature(&key, MESSAGE, &signature)
                    .is_ok()
            );
        }
    }

    #[test]
    fn signatures_of_weak_keys_are_verified() {
        let key = bytes(WEAK_KEY);
        let signature = bytes(WEAK_PKCS1_SHA256);
        let verify = |message, signature: &[u8]| {
            RSA_PKCS1_SHA256
                .verify_signature(&key, message, signature)
                .is_ok()
        };
        assert!(verify(MESSAGE, &signature));
        assert!(!verify(b"signed by a short kez", &signature));
        assert!(!verify(MESSAGE, &signature[1..]));
        for index in 0..signature.len() {
            let mut changed = signature.clone();
            changed[index] ^= 1;
            assert!(!verify(MESSAGE, &changed));
        }
    }

    #[test]
    fn altered_messages_and_signatures_are_rejected() {
        let key = bytes(KEY);
        let signature = bytes(PSS_SHA256);
        let wrong = |message: &[u8], signature: &[u8]| {
            let result = RSA_PSS_SHA256.verify_signature(&key, message, signature);
            assert!(result.is_err());
        };
        wrong(b"signed by a short kez", &signature);
        wrong(b"", &signature);
        for index in 0..signature.len() {
            let mut changed = signature.clone();
            changed[index] ^= 1;
            wrong(MESSAGE, &changed);
        }
        wrong(MESSAGE, &signature[1..]);
        wrong(MESSAGE, &[&[0], &signature[..]].concat());
        wrong(MESSAGE, &bytes(PSS_SHA384));
        wrong(MESSAGE, &bytes(PKCS1_SHA256));
        wrong(MESSAGE, &[0; 128]);
        wrong(MESSAGE, &[0xff; 128]);
        wrong(MESSAGE, &[]);
    }

    #[test]
    fn a_key_with_exponent_1_is_rejected() {
        let key = bytes(KEY);
        // With exponent 1, the encoded message is its own signature.
        let mut trivial = key.clone();
        assert!(trivial.ends_with(&[2, 3, 1, 0, 1]));
        let end = trivial.len() - 3;
        trivial[end..].copy_from_slice(&[0, 0, 1]);
        let modulus = RsaKey::parse(&key).unwrap().modulus;
        let encoded = modpow(&bytes(PSS_SHA256), 65537, modulus).unwrap();
        assert_eq!(encoded.len(), 128);
        let result = RSA_PSS_SHA256.verify_signature(&trivial, MESSAGE, &encoded);
        assert!(result.is_err());
    }
}
