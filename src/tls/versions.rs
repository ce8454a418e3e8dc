//! The TLS versions that `secure()` accepts.

/// The TLS versions that a `secure()` call accepts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct TlsVersionRange {
    pub(crate) min: TlsVersion,
    pub(crate) max: TlsVersion,
}

/// A TLS version that the module supports.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum TlsVersion {
    Tls12,
    Tls13,
}

impl TlsVersionRange {
    /// Parses `tlsVersion.min` and `tlsVersion.max` as Chromium's `tls_socket.cc` does.
    ///
    /// `tls1.2` and `tls1.3` are supported. Obsolete versions and unknown strings select the
    /// default, 1.2 to 1.3. No string is an error; an empty range fails the handshake.
    pub(crate) fn parse(min: Option<&str>, max: Option<&str>) -> Self {
        Self {
            min: TlsVersion::parse(min).unwrap_or(TlsVersion::Tls12),
            max: TlsVersion::parse(max).unwrap_or(TlsVersion::Tls13),
        }
    }
}

impl TlsVersion {
    fn parse(name: Option<&str>) -> Option<Self> {
        match name? {
            "tls1.2" => Some(Self::Tls12),
            "tls1.3" => Some(Self::Tls13),
            _ => None,
        }
    }
}
