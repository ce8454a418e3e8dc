//! Chromium's network error codes, and the mappings onto them.
//!
//! Numbers and names are those of `net/base/net_error_list.h`; the operating system tables are
//! those of `net/base/net_errors_posix.cc` and `net/base/net_errors_win.cc`; the TLS table is that
//! of `net/ssl/openssl_ssl_util.cc`.

use std::{error, fmt, io};

use rustls::{AlertDescription, CertificateError, PeerIncompatible, PeerMisbehaved};

/// Declares the enum and everything that needs one entry per code.
macro_rules! net_errors {
    ($($variant:ident = $code:literal, $name:literal;)*) => {
        /// A failure with Chromium's number and name.
        #[allow(dead_code, reason = "the list is Chromium's, whether or not each code can be produced")]
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[repr(i32)]
        pub(crate) enum NetError {
            $(
                #[doc = concat!("`net::ERR_", $name, "`")]
                $variant = $code,
            )*
        }

        impl NetError {
            /// Every code, in the order of the list.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),*];

            /// The text that `chrome.runtime.lastError.message` carries: `net::ERR_...`.
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!("net::ERR_", $name),)*
                }
            }

            /// The error with this number, if the list has one.
            #[cfg(test)]
            pub(crate) const fn from_code(code: i32) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

net_errors! {
    IoPending = -1, "IO_PENDING";
    Failed = -2, "FAILED";
    Aborted = -3, "ABORTED";
    InvalidArgument = -4, "INVALID_ARGUMENT";
    InvalidHandle = -5, "INVALID_HANDLE";
    FileNotFound = -6, "FILE_NOT_FOUND";
    TimedOut = -7, "TIMED_OUT";
    FileTooBig = -8, "FILE_TOO_BIG";
    Unexpected = -9, "UNEXPECTED";
    AccessDenied = -10, "ACCESS_DENIED";
    NotImplemented = -11, "NOT_IMPLEMENTED";
    InsufficientResources = -12, "INSUFFICIENT_RESOURCES";
    OutOfMemory = -13, "OUT_OF_MEMORY";
    SocketNotConnected = -15, "SOCKET_NOT_CONNECTED";
    FileExists = -16, "FILE_EXISTS";
    FilePathTooLong = -17, "FILE_PATH_TOO_LONG";
    FileNoSpace = -18, "FILE_NO_SPACE";
    NetworkChanged = -21, "NETWORK_CHANGED";
    SocketIsConnected = -23, "SOCKET_IS_CONNECTED";
    ContextShutDown = -26, "CONTEXT_SHUT_DOWN";
    ConnectionClosed = -100, "CONNECTION_CLOSED";
    ConnectionReset = -101, "CONNECTION_RESET";
    ConnectionRefused = -102, "CONNECTION_REFUSED";
    ConnectionAborted = -103, "CONNECTION_ABORTED";
    ConnectionFailed = -104, "CONNECTION_FAILED";
    NameNotResolved = -105, "NAME_NOT_RESOLVED";
    InternetDisconnected = -106, "INTERNET_DISCONNECTED";
    SslProtocolError = -107, "SSL_PROTOCOL_ERROR";
    AddressInvalid = -108, "ADDRESS_INVALID";
    AddressUnreachable = -109, "ADDRESS_UNREACHABLE";
    SslClientAuthCertNeeded = -110, "SSL_CLIENT_AUTH_CERT_NEEDED";
    NoSslVersionsEnabled = -112, "NO_SSL_VERSIONS_ENABLED";
    SslVersionOrCipherMismatch = -113, "SSL_VERSION_OR_CIPHER_MISMATCH";
    SslRenegotiationRequested = -114, "SSL_RENEGOTIATION_REQUESTED";
    BadSslClientAuthCert = -117, "BAD_SSL_CLIENT_AUTH_CERT";
    ConnectionTimedOut = -118, "CONNECTION_TIMED_OUT";
    HostResolverQueueTooLarge = -119, "HOST_RESOLVER_QUEUE_TOO_LARGE";
    AlpnNegotiationFailed = -122, "ALPN_NEGOTIATION_FAILED";
    SslNoRenegotiation = -123, "SSL_NO_RENEGOTIATION";
    SslDecompressionFailureAlert = -125, "SSL_DECOMPRESSION_FAILURE_ALERT";
    SslBadRecordMacAlert = -126, "SSL_BAD_RECORD_MAC_ALERT";
    SslClientAuthPrivateKeyAccessDenied = -134, "SSL_CLIENT_AUTH_PRIVATE_KEY_ACCESS_DENIED";
    SslClientAuthCertNoPrivateKey = -135, "SSL_CLIENT_AUTH_CERT_NO_PRIVATE_KEY";
    NameResolutionFailed = -137, "NAME_RESOLUTION_FAILED";
    NetworkAccessDenied = -138, "NETWORK_ACCESS_DENIED";
    SslClientAuthSignatureFailed = -141, "SSL_CLIENT_AUTH_SIGNATURE_FAILED";
    MsgTooBig = -142, "MSG_TOO_BIG";
    AddressInUse = -147, "ADDRESS_IN_USE";
    SslHandshakeNotCompleted = -148, "SSL_HANDSHAKE_NOT_COMPLETED";
    SslBadPeerPublicKey = -149, "SSL_BAD_PEER_PUBLIC_KEY";
    SslPinnedKeyNotInCertChain = -150, "SSL_PINNED_KEY_NOT_IN_CERT_CHAIN";
    ClientAuthCertTypeUnsupported = -151, "CLIENT_AUTH_CERT_TYPE_UNSUPPORTED";
    SslDecryptErrorAlert = -153, "SSL_DECRYPT_ERROR_ALERT";
    SslServerCertChanged = -156, "SSL_SERVER_CERT_CHANGED";
    SslUnrecognizedNameAlert = -159, "SSL_UNRECOGNIZED_NAME_ALERT";
    SslClientAuthCertBadFormat = -164, "SSL_CLIENT_AUTH_CERT_BAD_FORMAT";
    IcannNameCollision = -166, "ICANN_NAME_COLLISION";
    SslServerCertBadFormat = -167, "SSL_SERVER_CERT_BAD_FORMAT";
    SslObsoleteCipher = -172, "SSL_OBSOLETE_CIPHER";
    NoBufferSpace = -176, "NO_BUFFER_SPACE";
    SslClientAuthNoCommonAlgorithms = -177, "SSL_CLIENT_AUTH_NO_COMMON_ALGORITHMS";
    EarlyDataRejected = -178, "EARLY_DATA_REJECTED";
    WrongVersionOnEarlyData = -179, "WRONG_VERSION_ON_EARLY_DATA";
    Tls13DowngradeDetected = -180, "TLS13_DOWNGRADE_DETECTED";
    SslKeyUsageIncompatible = -181, "SSL_KEY_USAGE_INCOMPATIBLE";
    InvalidEchConfigList = -182, "INVALID_ECH_CONFIG_LIST";
    EchNotNegotiated = -183, "ECH_NOT_NEGOTIATED";
    EchFallbackCertificateInvalid = -184, "ECH_FALLBACK_CERTIFICATE_INVALID";
    CertCommonNameInvalid = -200, "CERT_COMMON_NAME_INVALID";
    CertDateInvalid = -201, "CERT_DATE_INVALID";
    CertAuthorityInvalid = -202, "CERT_AUTHORITY_INVALID";
    CertContainsErrors = -203, "CERT_CONTAINS_ERRORS";
    CertNoRevocationMechanism = -204, "CERT_NO_REVOCATION_MECHANISM";
    CertUnableToCheckRevocation = -205, "CERT_UNABLE_TO_CHECK_REVOCATION";
    CertRevoked = -206, "CERT_REVOKED";
    CertInvalid = -207, "CERT_INVALID";
    CertWeakSignatureAlgorithm = -208, "CERT_WEAK_SIGNATURE_ALGORITHM";
    CertNonUniqueName = -210, "CERT_NON_UNIQUE_NAME";
    CertWeakKey = -211, "CERT_WEAK_KEY";
    CertNameConstraintViolation = -212, "CERT_NAME_CONSTRAINT_VIOLATION";
    CertValidityTooLong = -213, "CERT_VALIDITY_TOO_LONG";
    CertificateTransparencyRequired = -214, "CERTIFICATE_TRANSPARENCY_REQUIRED";
    CertSymantecLegacy = -215, "CERT_SYMANTEC_LEGACY";
    CertKnownInterceptionBlocked = -217, "CERT_KNOWN_INTERCEPTION_BLOCKED";
    NetworkIoSuspended = -331, "NETWORK_IO_SUSPENDED";
}

impl fmt::Display for NetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl error::Error for NetError {}

/// The progress of a TLS handshake when it failed. Some alerts have another meaning later on.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct HandshakeProgress {
    /// The server has answered the `ClientHello` with its hello.
    pub(crate) server_hello: bool,
    /// The server has requested a client certificate.
    pub(crate) client_certificate_requested: bool,
}

impl NetError {
    /// The number that callbacks get as `result` or `resultCode`.
    pub(crate) const fn code(self) -> i32 {
        self as i32
    }

    /// Chromium's code for an I/O error on an established connection.
    pub(crate) fn from_io(error: &io::Error) -> Self {
        error
            .raw_os_error()
            .map_or_else(|| Self::from_kind(error.kind()), Self::from_os)
    }

    /// Chromium's code for an I/O error of a connection attempt (`MapConnectError` in
    /// `net/socket/socket_posix.cc` and `tcp_socket_win.cc`).
    pub(crate) fn from_connect(error: &io::Error) -> Self {
        match error.raw_os_error() {
            Some(os::CONNECT_DENIED) => Self::NetworkAccessDenied,
            Some(os::CONNECT_TIMED_OUT) => Self::ConnectionTimedOut,
            _ => match Self::from_io(error) {
                Self::Failed => Self::ConnectionFailed,
                other => other,
            },
        }
    }

    #[cfg(windows)]
    fn from_os(code: i32) -> Self {
        Self::from_winsock(code)
    }

    #[cfg(not(windows))]
    fn from_os(code: i32) -> Self {
        Self::from_errno(code)
    }

    /// Maps errors that Rust libraries create without an operating system code.
    fn from_kind(kind: io::ErrorKind) -> Self {
        use io::ErrorKind as Kind;
        match kind {
            Kind::WouldBlock => Self::IoPending,
            Kind::UnexpectedEof => Self::ConnectionClosed,
            Kind::ConnectionReset | Kind::BrokenPipe => Self::ConnectionReset,
            Kind::ConnectionRefused => Self::ConnectionRefused,
            Kind::ConnectionAborted => Self::ConnectionAborted,
            Kind::NotConnected => Self::SocketNotConnected,
            Kind::AddrInUse => Self::AddressInUse,
            Kind::AddrNotAvailable => Self::AddressInvalid,
            Kind::HostUnreachable | Kind::NetworkUnreachable => Self::AddressUnreachable,
            Kind::NetworkDown => Self::InternetDisconnected,
            Kind::TimedOut => Self::TimedOut,
            Kind::PermissionDenied => Self::AccessDenied,
            Kind::InvalidInput => Self::InvalidArgument,
            Kind::OutOfMemory => Self::OutOfMemory,
            Kind::ResourceBusy => Self::InsufficientResources,
            Kind::Unsupported => Self::NotImplemented,
            _ => Self::Failed,
        }
    }

    /// `MapSystemError` of `net/base/net_errors_posix.cc`.
    #[cfg(unix)]
    fn from_errno(errno: i32) -> Self {
        match errno {
            // EWOULDBLOCK equals EAGAIN on every system that Rust's standard library supports.
            libc::EAGAIN => Self::IoPending,
            libc::EACCES | libc::EISDIR | libc::EPERM | libc::EROFS | libc::ETXTBSY => {
                Self::AccessDenied
            }
            libc::ENETDOWN => Self::InternetDisconnected,
            libc::ETIMEDOUT => Self::TimedOut,
            libc::ECONNRESET | libc::ENETRESET | libc::EPIPE => Self::ConnectionReset,
            libc::ECONNABORTED => Self::ConnectionAborted,
            libc::ECONNREFUSED => Self::ConnectionRefused,
            libc::EHOSTUNREACH | libc::EHOSTDOWN | libc::ENETUNREACH | libc::EAFNOSUPPORT => {
                Self::AddressUnreachable
            }
            libc::EADDRNOTAVAIL => Self::AddressInvalid,
            libc::EMSGSIZE => Self::MsgTooBig,
            libc::ENOTCONN => Self::SocketNotConnected,
            libc::EISCONN => Self::SocketIsConnected,
            libc::EINVAL | libc::E2BIG | libc::EFAULT | libc::ENODEV => Self::InvalidArgument,
            libc::EADDRINUSE => Self::AddressInUse,
            libc::EBADF => Self::InvalidHandle,
            libc::EBUSY
            | libc::EDEADLK
            | libc::ENFILE
            | libc::EMFILE
            | libc::ENOLCK
            | libc::EUSERS => Self::InsufficientResources,
            libc::ECANCELED => Self::Aborted,
            libc::EDQUOT | libc::ENOSPC => Self::FileNoSpace,
            libc::EEXIST => Self::FileExists,
            libc::EFBIG => Self::FileTooBig,
            libc::ENAMETOOLONG => Self::FilePathTooLong,
            libc::ENOBUFS => Self::NoBufferSpace,
            libc::ENOENT | libc::ENOTDIR => Self::FileNotFound,
            libc::ENOMEM => Self::OutOfMemory,
            libc::ENOSYS | libc::ENOTSUP | libc::ENOPROTOOPT => Self::NotImplemented,
            _ => Self::Failed,
        }
    }

    /// `MapSystemError` of `net/base/net_errors_win.cc`. The numbers are part of Windows' ABI.
    #[cfg(any(windows, test))]
    fn from_winsock(code: i32) -> Self {
        match code {
            // ERROR_FILE_NOT_FOUND, ERROR_PATH_NOT_FOUND
            2 | 3 => Self::FileNotFound,
            // ERROR_TOO_MANY_OPEN_FILES
            4 => Self::InsufficientResources,
            // ERROR_ACCESS_DENIED, ERROR_WRITE_PROTECT, ERROR_SHARING_VIOLATION,
            // ERROR_LOCK_VIOLATION, ERROR_BUSY, ERROR_IO_DEVICE, ERROR_POSSIBLE_DEADLOCK, WSAEACCES
            5 | 19 | 32 | 33 | 170 | 1117 | 1131 | 10013 => Self::AccessDenied,
            // ERROR_INVALID_HANDLE
            6 => Self::InvalidHandle,
            // ERROR_NOT_ENOUGH_MEMORY, ERROR_OUTOFMEMORY
            8 | 14 => Self::OutOfMemory,
            // ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL, ERROR_FILE_TOO_LARGE,
            // ERROR_DISK_RESOURCES_EXHAUSTED
            39 | 112 | 223 | 314 => Self::FileNoSpace,
            // ERROR_BUFFER_OVERFLOW, ERROR_FILENAME_EXCED_RANGE
            111 | 206 => Self::FilePathTooLong,
            // ERROR_FILE_EXISTS, ERROR_ALREADY_EXISTS
            80 | 183 => Self::FileExists,
            // ERROR_INVALID_PARAMETER, ERROR_INVALID_NAME, ERROR_BAD_DEVICE, WSAEINVAL
            87 | 123 | 1200 | 10022 => Self::InvalidArgument,
            // ERROR_CALL_NOT_IMPLEMENTED
            120 => Self::NotImplemented,
            // WSA_IO_INCOMPLETE, WSAEDISCON
            996 | 10101 => Self::ConnectionClosed,
            // WSA_IO_PENDING, WSAEWOULDBLOCK
            997 | 10035 => Self::IoPending,
            // WSAEMSGSIZE
            10040 => Self::MsgTooBig,
            // WSAEAFNOSUPPORT, WSAENETUNREACH, WSAEHOSTUNREACH
            10047 | 10051 | 10065 => Self::AddressUnreachable,
            // WSAEADDRINUSE
            10048 => Self::AddressInUse,
            // WSAEADDRNOTAVAIL
            10049 => Self::AddressInvalid,
            // WSAENETDOWN
            10050 => Self::InternetDisconnected,
            // ERROR_BROKEN_PIPE, WSAENETRESET, WSAECONNRESET
            109 | 10052 | 10054 => Self::ConnectionReset,
            // WSAECONNABORTED
            10053 => Self::ConnectionAborted,
            // WSAENOBUFS
            10055 => Self::NoBufferSpace,
            // WSAEISCONN
            10056 => Self::SocketIsConnected,
            // WSAENOTCONN
            10057 => Self::SocketNotConnected,
            // WSAETIMEDOUT
            10060 => Self::TimedOut,
            // WSAECONNREFUSED
            10061 => Self::ConnectionRefused,
            _ => Self::Failed,
        }
    }

    /// Chromium's code for a handshake that `rustls` aborted.
    ///
    /// A [`NetError`] wrapped by our certificate verifier is returned unchanged. Variants that
    /// future versions of `rustls` add are protocol errors until they are mapped here.
    pub(crate) fn from_rustls(error: &rustls::Error, progress: HandshakeProgress) -> Self {
        use rustls::Error as Tls;
        match error {
            Tls::AlertReceived(alert) => Self::from_alert(*alert, progress),
            Tls::PeerIncompatible(reason) => Self::from_incompatibility(reason),
            Tls::PeerMisbehaved(PeerMisbehaved::AttemptedDowngradeToTls12WhenTls13IsSupported) => {
                Self::Tls13DowngradeDetected
            }
            Tls::InvalidCertificate(CertificateError::Other(other)) => {
                other.0.downcast_ref().copied().unwrap_or(Self::CertInvalid)
            }
            Tls::InvalidCertRevocationList(_) => Self::CertUnableToCheckRevocation,
            Tls::InvalidEncryptedClientHello(_) => Self::InvalidEchConfigList,
            Tls::UnsupportedNameType => Self::Failed,
            Tls::HandshakeNotComplete => Self::SslHandshakeNotCompleted,
            Tls::EncryptError
            | Tls::General(_)
            | Tls::InconsistentKeys(_)
            | Tls::FailedToGetCurrentTime
            | Tls::FailedToGetRandomBytes => Self::Unexpected,
            Tls::BadMaxFragmentSize => Self::InvalidArgument,
            // The remaining certificate errors concern signatures over the handshake. Our verifier
            // judges chains and reports its own codes.
            Tls::InvalidCertificate(_)
            | Tls::InappropriateMessage { .. }
            | Tls::InappropriateHandshakeMessage { .. }
            | Tls::InvalidMessage(_)
            | Tls::NoCertificatesPresented
            | Tls::DecryptError
            | Tls::PeerMisbehaved(_)
            | Tls::PeerSentOversizedRecord
            | Tls::NoApplicationProtocol
            | Tls::Other(_)
            | _ => Self::SslProtocolError,
        }
    }

    fn from_incompatibility(reason: &PeerIncompatible) -> Self {
        use PeerIncompatible as Reason;
        match reason {
            Reason::ServerDoesNotSupportTls12Or13
            | Reason::ServerTlsVersionIsDisabledByOurConfig
            | Reason::NoCipherSuitesInCommon
            | Reason::Tls12NotOffered
            | Reason::Tls12NotOfferedOrEnabled => Self::SslVersionOrCipherMismatch,
            Reason::NoCertificateRequestSignatureSchemesInCommon => {
                Self::SslClientAuthNoCommonAlgorithms
            }
            Reason::ServerRejectedEncryptedClientHello(_) => Self::EchNotNegotiated,
            _ => Self::SslProtocolError,
        }
    }

    pub(crate) fn from_alert(alert: AlertDescription, progress: HandshakeProgress) -> Self {
        use AlertDescription as Alert;
        match alert {
            Alert::HandshakeFailure if !progress.server_hello => Self::SslVersionOrCipherMismatch,
            Alert::HandshakeFailure | Alert::AccessDenied
                if progress.client_certificate_requested =>
            {
                Self::BadSslClientAuthCert
            }
            Alert::ProtocolVersion | Alert::InsufficientSecurity => {
                Self::SslVersionOrCipherMismatch
            }
            Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::CertificateRequired => Self::BadSslClientAuthCert,
            Alert::BadRecordMac => Self::SslBadRecordMacAlert,
            Alert::DecompressionFailure => Self::SslDecompressionFailureAlert,
            Alert::DecryptError => Self::SslDecryptErrorAlert,
            Alert::UnrecognisedName => Self::SslUnrecognizedNameAlert,
            _ => Self::SslProtocolError,
        }
    }
}

/// The two codes with another meaning during a connection attempt.
#[cfg(unix)]
mod os {
    pub(super) const CONNECT_DENIED: i32 = libc::EACCES;
    pub(super) const CONNECT_TIMED_OUT: i32 = libc::ETIMEDOUT;
}

/// The two codes with another meaning during a connection attempt: `WSAEACCES` and `WSAETIMEDOUT`.
#[cfg(windows)]
mod os {
    pub(super) const CONNECT_DENIED: i32 = 10013;
    pub(super) const CONNECT_TIMED_OUT: i32 = 10060;
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::{InvalidMessage, OtherError};

    use super::*;

    #[test]
    fn a_code_leads_back_to_its_error_and_no_code_occurs_twice() {
        for error in NetError::ALL {
            assert_eq!(NetError::from_code(error.code()), Some(*error));
        }
        assert_eq!(NetError::from_code(0), None);
        assert_eq!(NetError::from_code(1), None);
    }

    #[test]
    fn names_are_distinct_and_worded_as_chromium_words_them() {
        let mut names: Vec<_> = NetError::ALL.iter().map(|error| error.name()).collect();
        for name in &names {
            let rest = name.strip_prefix("net::ERR_").unwrap();
            assert!(
                rest.bytes()
                    .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_'),
                "{name}"
            );
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), NetError::ALL.len());
        assert_eq!(NetError::Failed.to_string(), "net::ERR_FAILED");
        assert_eq!(
            NetError::CertificateTransparencyRequired.name(),
            "net::ERR_CERTIFICATE_TRANSPARENCY_REQUIRED"
        );
    }

    #[cfg(unix)]
    #[test]
    fn posix_errors_map_as_net_errors_posix_maps_them() {
        let table: &[(i32, &[i32])] = &[
            (-1, &[libc::EAGAIN, libc::EWOULDBLOCK]),
            (
                -10,
                &[
                    libc::EACCES,
                    libc::EISDIR,
                    libc::EPERM,
                    libc::EROFS,
                    libc::ETXTBSY,
                ],
            ),
            (-106, &[libc::ENETDOWN]),
            (-7, &[libc::ETIMEDOUT]),
            (-101, &[libc::ECONNRESET, libc::ENETRESET, libc::EPIPE]),
            (-103, &[libc::ECONNABORTED]),
            (-102, &[libc::ECONNREFUSED]),
            (
                -109,
                &[
                    libc::EHOSTUNREACH,
                    libc::EHOSTDOWN,
                    libc::ENETUNREACH,
                    libc::EAFNOSUPPORT,
                ],
            ),
            (-108, &[libc::EADDRNOTAVAIL]),
            (-142, &[libc::EMSGSIZE]),
            (-15, &[libc::ENOTCONN]),
            (-23, &[libc::EISCONN]),
            (-4, &[libc::EINVAL, libc::E2BIG, libc::EFAULT, libc::ENODEV]),
            (-147, &[libc::EADDRINUSE]),
            (-5, &[libc::EBADF]),
            (
                -12,
                &[
                    libc::EBUSY,
                    libc::EDEADLK,
                    libc::ENFILE,
                    libc::EMFILE,
                    libc::ENOLCK,
                    libc::EUSERS,
                ],
            ),
            (-3, &[libc::ECANCELED]),
            (-18, &[libc::EDQUOT, libc::ENOSPC]),
            (-16, &[libc::EEXIST]),
            (-8, &[libc::EFBIG]),
            (-17, &[libc::ENAMETOOLONG]),
            (-176, &[libc::ENOBUFS]),
            (-6, &[libc::ENOENT, libc::ENOTDIR]),
            (-13, &[libc::ENOMEM]),
            (-11, &[libc::ENOSYS, libc::ENOTSUP, libc::ENOPROTOOPT]),
            (
                -2,
                &[libc::EIO, libc::EDOM, libc::EPROTO, i32::MAX, i32::MIN, -1],
            ),
        ];
        for (code, errnos) in table {
            for errno in *errnos {
                let error = io::Error::from_raw_os_error(*errno);
                assert_eq!(NetError::from_io(&error).code(), *code, "{error}");
            }
        }
    }

    #[test]
    fn windows_errors_map_as_net_errors_win_maps_them() {
        let table: &[(i32, &[i32])] = &[
            (-1, &[997, 10035]),
            (-10, &[5, 19, 32, 33, 170, 1117, 1131, 10013]),
            (-106, &[10050]),
            (-7, &[10060]),
            (-101, &[109, 10052, 10054]),
            (-103, &[10053]),
            (-102, &[10061]),
            (-100, &[996, 10101]),
            (-23, &[10056]),
            (-109, &[10047, 10051, 10065]),
            (-108, &[10049]),
            (-142, &[10040]),
            (-15, &[10057]),
            (-4, &[87, 123, 1200, 10022]),
            (-147, &[10048]),
            (-176, &[10055]),
            (-6, &[2, 3]),
            (-12, &[4]),
            (-5, &[6]),
            (-13, &[8, 14]),
            (-18, &[39, 112, 223, 314]),
            (-17, &[111, 206]),
            (-16, &[80, 183]),
            (-11, &[120]),
            (-2, &[-1, 0, 1, 10014, 10036, 10093, i32::MAX, i32::MIN]),
        ];
        for (code, winsock) in table {
            for number in *winsock {
                assert_eq!(NetError::from_winsock(*number).code(), *code, "{number}");
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn three_errors_have_another_code_while_connecting() {
        let table = [
            (libc::EACCES, -138),
            (libc::ETIMEDOUT, -118),
            (libc::EIO, -104),
            (libc::EPERM, -10),
            (libc::ECONNREFUSED, -102),
            (libc::EHOSTUNREACH, -109),
            (libc::EADDRNOTAVAIL, -108),
            (libc::EMFILE, -12),
        ];
        for (errno, code) in table {
            let error = io::Error::from_raw_os_error(errno);
            assert_eq!(NetError::from_connect(&error).code(), code, "{error}");
        }
        let nameless = io::Error::other("no code");
        assert_eq!(NetError::from_connect(&nameless).code(), -104);
    }

    #[test]
    fn errors_without_a_system_code_map_by_their_kind() {
        use io::ErrorKind as Kind;
        let table = [
            (Kind::WouldBlock, -1),
            (Kind::UnexpectedEof, -100),
            (Kind::ConnectionReset, -101),
            (Kind::BrokenPipe, -101),
            (Kind::ConnectionRefused, -102),
            (Kind::ConnectionAborted, -103),
            (Kind::NotConnected, -15),
            (Kind::AddrInUse, -147),
            (Kind::AddrNotAvailable, -108),
            (Kind::HostUnreachable, -109),
            (Kind::NetworkUnreachable, -109),
            (Kind::NetworkDown, -106),
            (Kind::TimedOut, -7),
            (Kind::PermissionDenied, -10),
            (Kind::InvalidInput, -4),
            (Kind::OutOfMemory, -13),
            (Kind::ResourceBusy, -12),
            (Kind::Unsupported, -11),
            (Kind::InvalidData, -2),
            (Kind::Other, -2),
        ];
        for (kind, code) in table {
            assert_eq!(NetError::from_io(&kind.into()).code(), code, "{kind:?}");
        }
    }

    #[test]
    fn every_alert_maps_by_its_number_and_by_what_came_before() {
        const BEFORE: HandshakeProgress = HandshakeProgress {
            server_hello: false,
            client_certificate_requested: false,
        };
        const AFTER: HandshakeProgress = HandshakeProgress {
            server_hello: true,
            ..BEFORE
        };
        const ASKED: HandshakeProgress = HandshakeProgress {
            client_certificate_requested: true,
            ..AFTER
        };
        for number in 0..=u8::MAX {
            let expected = match number {
                40 => [-113, -107, -117],
                49 => [-107, -107, -117],
                70 | 71 => [-113; 3],
                42 | 43 | 44 | 45 | 46 | 48 | 116 => [-117; 3],
                20 => [-126; 3],
                30 => [-125; 3],
                51 => [-153; 3],
                112 => [-159; 3],
                _ => [-107; 3],
            };
            let error = rustls::Error::AlertReceived(number.into());
            let mapped = [BEFORE, AFTER, ASKED]
                .map(|progress| NetError::from_rustls(&error, progress).code());
            assert_eq!(mapped, expected, "alert {number}");
        }
    }

    #[test]
    fn rustls_errors_map_to_chromiums_codes() {
        use rustls::Error as Tls;
        let table = [
            (
                Tls::InvalidMessage(InvalidMessage::InvalidContentType),
                -107,
            ),
            (
                Tls::InappropriateMessage {
                    expect_types: vec![],
                    got_type: rustls::ContentType::Heartbeat,
                },
                -107,
            ),
            (
                Tls::InappropriateHandshakeMessage {
                    expect_types: vec![],
                    got_type: rustls::HandshakeType::Finished,
                },
                -107,
            ),
            (Tls::PeerSentOversizedRecord, -107),
            (Tls::DecryptError, -107),
            (Tls::NoCertificatesPresented, -107),
            (Tls::NoApplicationProtocol, -107),
            (
                Tls::PeerMisbehaved(PeerMisbehaved::AttemptedDowngradeToTls12WhenTls13IsSupported),
                -180,
            ),
            (
                Tls::PeerMisbehaved(PeerMisbehaved::TooManyEmptyFragments),
                -107,
            ),
            (
                Tls::InvalidCertificate(CertificateError::BadSignature),
                -107,
            ),
            (
                Tls::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(
                    NetError::CertDateInvalid,
                )))),
                -201,
            ),
            (
                Tls::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(
                    io::Error::other("not a verdict"),
                )))),
                -207,
            ),
            (
                Tls::InvalidCertRevocationList(rustls::CertRevocationListError::ParseError),
                -205,
            ),
            (Tls::UnsupportedNameType, -2),
            (Tls::HandshakeNotComplete, -148),
            (Tls::EncryptError, -9),
            (Tls::General(String::new()), -9),
            (Tls::FailedToGetCurrentTime, -9),
            (Tls::FailedToGetRandomBytes, -9),
            (Tls::BadMaxFragmentSize, -4),
            (
                Tls::Other(OtherError(Arc::new(io::Error::other("other")))),
                -107,
            ),
        ];
        for (error, code) in table {
            let mapped = NetError::from_rustls(&error, HandshakeProgress::default());
            assert_eq!(mapped.code(), code, "{error:?}");
        }
    }

    #[test]
    fn a_server_without_a_common_version_or_cipher_has_its_own_error() {
        use PeerIncompatible as Reason;
        let table = [
            (Reason::ServerDoesNotSupportTls12Or13, -113),
            (Reason::ServerTlsVersionIsDisabledByOurConfig, -113),
            (Reason::NoCipherSuitesInCommon, -113),
            (Reason::Tls12NotOffered, -113),
            (Reason::Tls12NotOfferedOrEnabled, -113),
            (Reason::NoCertificateRequestSignatureSchemesInCommon, -177),
            (Reason::ServerRejectedEncryptedClientHello(None), -183),
            (Reason::NullCompressionRequired, -107),
            (Reason::ExtendedMasterSecretExtensionRequired, -107),
        ];
        for (reason, code) in table {
            let error = rustls::Error::PeerIncompatible(reason);
            let mapped = NetError::from_rustls(&error, HandshakeProgress::default());
            assert_eq!(mapped.code(), code, "{error:?}");
        }
    }
}
