//! The few facts about a certificate that `webpki` parses but does not tell.

/// DER tags as they occur in certificates.
mod tag {
    pub(super) const BOOLEAN: u8 = 0x01;
    pub(super) const INTEGER: u8 = 0x02;
    pub(super) const BIT_STRING: u8 = 0x03;
    pub(super) const OCTET_STRING: u8 = 0x04;
    pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
    pub(super) const SEQUENCE: u8 = 0x30;
    pub(super) const EXTENSIONS: u8 = 0xa3;
}

const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// Bits of the key usage extension's first byte.
const DIGITAL_SIGNATURE: u8 = 0x80;
const KEY_CERT_SIGN: u8 = 0x04;

/// Reads DER values one after the other.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The tag and the content of the next value.
    fn any(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            if digits.len() > size_of::<u32>() {
                return None;
            }
            let length = digits
                .iter()
                .fold(0, |length, &digit| length << 8 | usize::from(digit));
            (length, rest)
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    /// The content of the next value, if it has this tag; otherwise it stays where it is.
    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        if self.0.first() != Some(&tag) {
            return None;
        }
        self.any().map(|(_, content)| content)
    }
}

/// The content of an extension's value, or nothing if the certificate does not have it.
fn extension<'a>(certificate: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    let certificate = Reader(certificate).expect(tag::SEQUENCE)?;
    let mut fields = Reader(Reader(certificate).expect(tag::SEQUENCE)?);
    let extensions = loop {
        match fields.any()? {
            (tag::EXTENSIONS, content) => break content,
            _ => continue,
        }
    };
    let mut extensions = Reader(Reader(extensions).expect(tag::SEQUENCE)?);
    while let Some(extension) = extensions.expect(tag::SEQUENCE) {
        let mut extension = Reader(extension);
        let identifier = extension.expect(tag::OBJECT_IDENTIFIER)?;
        let _critical = extension.expect(tag::BOOLEAN);
        if identifier == wanted {
            return extension.expect(tag::OCTET_STRING);
        }
    }
    None
}

/// Whether the key usage extension, where there is one, allows what `bit` stands for.
fn key_usage_allows(certificate: &[u8], bit: u8) -> bool {
    extension(certificate, KEY_USAGE).is_none_or(|value| {
        // The first content byte of a bit string counts its unused bits.
        Reader(value)
            .expect(tag::BIT_STRING)
            .and_then(|bits| bits.get(1))
            .is_some_and(|bits| bits & bit != 0)
    })
}

/// Whether the key may sign TLS handshakes.
pub(super) fn may_sign_handshakes(certificate: &[u8]) -> bool {
    key_usage_allows(certificate, DIGITAL_SIGNATURE)
}

/// Whether the key may sign certificates.
pub(super) fn may_sign_certificates(certificate: &[u8]) -> bool {
    key_usage_allows(certificate, KEY_CERT_SIGN)
}

/// How many intermediate certificates this authority allows below itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Authority {
    /// The certificate is not one of an authority.
    No,
    Unlimited,
    Limited(usize),
}

/// What the basic constraints extension says.
pub(super) fn authority(certificate: &[u8]) -> Authority {
    let Some(value) = extension(certificate, BASIC_CONSTRAINTS) else {
        return Authority::No;
    };
    let mut fields = Reader(Reader(value).expect(tag::SEQUENCE).unwrap_or_default());
    match (fields.expect(tag::BOOLEAN), fields.expect(tag::INTEGER)) {
        (Some([0xff]), None) => Authority::Unlimited,
        (Some([0xff]), Some(limit)) => Authority::Limited(limit.iter().fold(0, |sum, &digit| {
            usize::saturating_mul(sum, 256).saturating_add(usize::from(digit))
        })),
        _ => Authority::No,
    }
}

/// A subject public key.
#[derive(Debug)]
pub(super) struct PublicKey<'a> {
    /// The content of the algorithm identifier.
    pub(super) algorithm: &'a [u8],
    /// The key itself.
    pub(super) bits: &'a [u8],
}

impl<'a> PublicKey<'a> {
    /// Reads a `SubjectPublicKeyInfo`.
    pub(super) fn parse(info: &'a [u8]) -> Option<Self> {
        let mut fields = Reader(Reader(info).expect(tag::SEQUENCE)?);
        let algorithm = fields.expect(tag::SEQUENCE)?;
        let bits = fields.expect(tag::BIT_STRING)?.get(1..)?;
        Some(Self { algorithm, bits })
    }

    /// The length of the modulus in bits, if this is an RSA key.
    pub(super) fn rsa_bits(&self) -> Option<usize> {
        if Reader(self.algorithm).expect(tag::OBJECT_IDENTIFIER) != Some(RSA_ENCRYPTION) {
            return None;
        }
        let modulus = Reader(Reader(self.bits).expect(tag::SEQUENCE)?).expect(tag::INTEGER)?;
        let leading = modulus.iter().take_while(|&&byte| byte == 0).count();
        let digits = modulus.get(leading..)?;
        let unused = digits.first()?.leading_zeros();
        Some(digits.len() * 8 - usize::try_from(unused).ok()?)
    }
}
