//! The verdict that ends a handshake.

use std::{error, fmt};

use rustls::AlertDescription;

use crate::net_error::NetError;

/// Aborts the handshake where rustls would continue or report another error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refused {
    pub(crate) error: NetError,
    /// The alert for the server, if any.
    pub(crate) alert: Option<AlertDescription>,
}

impl Refused {
    pub(crate) const fn with_alert(error: NetError, alert: AlertDescription) -> Self {
        Self {
            error,
            alert: Some(alert),
        }
    }

    pub(crate) const fn protocol_error(alert: AlertDescription) -> Self {
        Self::with_alert(NetError::SslProtocolError, alert)
    }
}

impl From<NetError> for Refused {
    fn from(error: NetError) -> Self {
        Self { error, alert: None }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl error::Error for Refused {}
