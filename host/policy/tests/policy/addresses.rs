//! The addresses that belong to the open internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use coworker_policy::is_public;
use proptest::prelude::*;

use crate::fixture::cases;

fn all(addresses: &[&str], public: bool) {
    for text in addresses {
        let address: IpAddr = text.parse().unwrap_or_else(|_| panic!("{text} is no address"));
        assert_eq!(is_public(address), public, "{text}");
    }
}

#[test]
fn the_first_and_last_address_of_every_special_v4_block_is_not_public() {
    all(
        &[
            "0.0.0.0",
            "0.255.255.255",
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.0.0",
            "169.254.169.254",
            "169.254.255.255",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.0",
            "192.0.0.192",
            "192.0.0.255",
            "192.0.2.0",
            "192.0.2.255",
            "192.88.99.0",
            "192.88.99.255",
            "192.168.0.0",
            "192.168.255.255",
            "198.18.0.0",
            "198.19.255.255",
            "198.51.100.0",
            "198.51.100.255",
            "203.0.113.0",
            "203.0.113.255",
            "224.0.0.0",
            "239.255.255.255",
            "240.0.0.0",
            "255.255.255.254",
            "255.255.255.255",
            "168.63.129.16",
        ],
        false,
    );
}

#[test]
fn the_addresses_beside_the_special_v4_blocks_are_public() {
    all(
        &[
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "191.255.255.255",
            "192.0.1.0",
            "192.0.3.0",
            "192.88.98.255",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "198.51.101.0",
            "203.0.112.255",
            "223.255.255.255",
            "8.8.8.8",
            "168.63.129.17",
        ],
        true,
    );
}

#[test]
fn special_v6_addresses_are_not_public() {
    all(
        &[
            "::",
            "::1",
            "::2",
            "::8.8.8.8",
            "::127.0.0.1",
            "100::1",
            "64:ff9b:1::8.8.8.8",
            "fc00::",
            "fd00:ec2::254",
            "fdff:ffff::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "feff::1",
            "ff02::1",
            "ff0e::1",
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:1ff:ffff::1",
            "2001:db8::1",
            "3fff::1",
            "3fff:fff:ffff::1",
            "5f00::1",
            "4000::1",
            "1fff::1",
            "::ffff:0:8.8.8.8",
        ],
        false,
    );
    all(
        &["2001:200::1", "2001:4860:4860::8888", "2606:4700::1111", "2003::1", "3ffe::1", "3fff:1000::1"],
        true,
    );
}

#[test]
fn an_address_that_carries_a_v4_address_is_that_address() {
    for (private, public) in
        [("169.254.169.254", "8.8.8.8"), ("127.0.0.1", "1.1.1.1"), ("10.0.0.1", "11.0.0.1")]
    {
        for (v4, expected) in [(private, false), (public, true)] {
            let v4: Ipv4Addr = v4.parse().unwrap();
            let [a, b, c, d] = v4.octets().map(u16::from);
            let six_to_four = Ipv6Addr::new(0x2002, a << 8 | b, c << 8 | d, 0, 0, 0, 0, 1);
            let nat64 = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, a << 8 | b, c << 8 | d);
            for address in [v4.to_ipv6_mapped(), six_to_four, nat64] {
                assert_eq!(is_public(address.into()), expected, "{address}");
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(1024))]

    #[test]
    fn special_addresses_of_the_standard_library_are_not_public(bits: u32, wide: u128) {
        let v4 = Ipv4Addr::from_bits(bits);
        let special = v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_broadcast()
            || v4.is_documentation() || v4.is_unspecified() || v4.is_multicast();
        prop_assert!(!(special && is_public(v4.into())), "{v4}");
        let v6 = Ipv6Addr::from_bits(wide);
        let special = v6.is_loopback() || v6.is_unspecified() || v6.is_multicast() || v6.is_unique_local()
            || v6.is_unicast_link_local();
        prop_assert!(!(special && is_public(v6.into())), "{v6}");
        prop_assert_eq!(is_public(v4.to_ipv6_mapped().into()), is_public(v4.into()));
        prop_assert!(!is_public(v4.to_ipv6_compatible().into()));
    }
}
