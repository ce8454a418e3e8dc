//! What a connection can still do. `loom/` includes this file.

use crate::net_error::NetError;

/// The state of the two directions of a connection. A direction that has failed or ended stays so.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Health {
    /// Both directions work.
    #[default]
    Open,
    /// Writing has failed. What the peer has sent before is still read.
    WriteFailed,
    /// Reading has ended, in order or for a reason. Writing still works.
    Ended(Option<NetError>),
    /// Reading has ended like that, and writing has failed.
    Over(Option<NetError>),
}

impl Health {
    /// Whether writing works.
    pub(crate) const fn can_write(self) -> bool {
        matches!(self, Self::Open | Self::Ended(_))
    }

    /// Whether reading has ended.
    pub(crate) const fn has_ended(self) -> bool {
        matches!(self, Self::Ended(_) | Self::Over(_))
    }

    /// Notes that writing has failed.
    pub(crate) const fn fail_write(&mut self) {
        *self = match *self {
            Self::Open | Self::WriteFailed => Self::WriteFailed,
            Self::Ended(cause) | Self::Over(cause) => Self::Over(cause),
        };
    }

    /// Notes that reading has ended. `cause` is `None` if it ended in order. The first cause counts.
    pub(crate) const fn end(&mut self, cause: Option<NetError>) {
        *self = match *self {
            Self::Open => Self::Ended(cause),
            Self::WriteFailed => Self::Over(cause),
            ended => ended,
        };
    }

    /// Why the connection does not end in order. A peer that no longer accepts bytes and gives no
    /// other reason has reset it.
    pub(crate) const fn cause(self) -> Option<NetError> {
        match self {
            Self::Open => None,
            Self::WriteFailed => Some(NetError::ConnectionReset),
            Self::Ended(cause) | Self::Over(cause) => cause,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAUSE: Option<NetError> = Some(NetError::Failed);

    fn after(steps: &[fn(&mut Health)]) -> Health {
        let mut health = Health::default();
        for step in steps {
            step(&mut health);
        }
        health
    }

    #[test]
    fn the_directions_fail_in_any_order() {
        let fail: fn(&mut Health) = Health::fail_write;
        let end: fn(&mut Health) = |health| health.end(CAUSE);
        for (steps, expected, can_write, has_ended, cause) in [
            (&[][..], Health::Open, true, false, None),
            (
                &[fail],
                Health::WriteFailed,
                false,
                false,
                Some(NetError::ConnectionReset),
            ),
            (&[end], Health::Ended(CAUSE), true, true, CAUSE),
            (&[fail, end], Health::Over(CAUSE), false, true, CAUSE),
            (&[end, fail], Health::Over(CAUSE), false, true, CAUSE),
        ] {
            let health = after(steps);
            assert_eq!(health, expected);
            assert_eq!(health.can_write(), can_write);
            assert_eq!(health.has_ended(), has_ended);
            assert_eq!(health.cause(), cause);
        }
    }

    #[test]
    fn the_first_cause_of_an_end_counts() {
        let in_order: fn(&mut Health) = |health| health.end(None);
        let later: fn(&mut Health) = |health| health.end(CAUSE);
        let fail: fn(&mut Health) = Health::fail_write;
        assert_eq!(after(&[in_order, later]), Health::Ended(None));
        assert_eq!(after(&[in_order, fail, later]), Health::Over(None));
    }
}
