//! Addresses that agents refuse to probe.

use std::net::IpAddr;

use vantage_wire::address::refused;
use vantage_wire::{Failure, FailureCode};

/// Decides about every address after its resolution, at every attempt: a name that begins to
/// resolve to a private address (DNS rebinding) is refused from then on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    allow_private: bool,
}

impl Guard {
    /// Public addresses only.
    pub const PUBLIC_ONLY: Self = Self { allow_private: false };
    /// Any address but multicast and unspecified ones: for a person at a terminal, or where the
    /// catalogue says `allow_private = true`.
    pub const ALLOW_PRIVATE: Self = Self { allow_private: true };

    /// Lets an address pass.
    ///
    /// # Errors
    /// `target_denied`, with the address and the reason.
    pub fn check(self, address: IpAddr) -> Result<(), Failure> {
        let reason = refused(address, self.allow_private);
        match reason {
            None => Ok(()),
            Some(reason) => Err(Failure::new(
                FailureCode::TargetDenied,
                &format!("{} is {reason}", address.to_canonical()),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_ones_own_network_are_refused_unless_allowed() {
        for address in [
            "127.0.0.1",
            "127.8.9.1",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.100.100.200",
            "0.1.2.3",
            "250.0.0.1",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "fec0::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::1",
        ] {
            let address: IpAddr = address.parse().unwrap();
            let failure = Guard::PUBLIC_ONLY.check(address).unwrap_err();
            assert_eq!(failure.code, FailureCode::TargetDenied, "{address}");
            assert!(Guard::ALLOW_PRIVATE.check(address).is_ok(), "{address}");
        }
    }

    #[test]
    fn nobodys_addresses_are_always_refused() {
        for address in ["224.0.0.1", "255.255.255.255", "0.0.0.0", "::", "ff02::1"] {
            assert!(Guard::ALLOW_PRIVATE.check(address.parse().unwrap()).is_err(), "{address}");
        }
    }

    #[test]
    fn public_addresses_pass() {
        for address in
            ["192.0.2.1", "8.8.8.8", "100.128.0.1", "172.32.0.1", "2001:db8::1", "64:ff9b::808:808"]
        {
            assert!(Guard::PUBLIC_ONLY.check(address.parse().unwrap()).is_ok(), "{address}");
        }
    }
}
