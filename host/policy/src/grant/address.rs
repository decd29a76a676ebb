use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address belongs to the open internet, by IANA's registries of special-purpose addresses.
///
/// Checked after every look-up of a name, so that a name cannot lead to this machine, its network or a cloud's
/// metadata. Reserved addresses are not public. An IPv6 address that contains an IPv4 address (mapped, 6to4, NAT64)
/// is judged by that address.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => carried(v6).map_or_else(|| is_public_v6(v6), is_public_v4),
    }
}

/// Whether an address can be in one of the owner's own networks, which a rule marked `private` opens.
///
/// Metadata, link-local, multicast and reserved addresses are excluded: no name may lead there.
pub(super) fn is_own_network(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let shared = v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64 && v4 != ALIBABA_METADATA;
            v4.is_loopback() || v4.is_private() || shared
        }
        IpAddr::V6(v6) => v6.is_loopback() || (within(v6, 0xfc00 << 112, 7) && v6 != AWS_METADATA),
    }
}

/// `fd00:ec2::254`, the metadata of Amazon's cloud; inside the unique-local block.
const AWS_METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
/// Inside the shared block.
const ALIBABA_METADATA: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);
/// Azure's `WireServer`, the one metadata address outside all special blocks.
const AZURE_WIRE: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

fn is_public_v4(address: Ipv4Addr) -> bool {
    /// First address and length of the prefix.
    const CLOSED: [(Ipv4Addr, u32); 16] = [
        (Ipv4Addr::UNSPECIFIED, 8),
        (Ipv4Addr::new(10, 0, 0, 0), 8),
        (Ipv4Addr::new(100, 64, 0, 0), 10),
        (Ipv4Addr::new(127, 0, 0, 0), 8),
        // Link-local; 169.254.169.254 answers with a cloud machine's credentials.
        (Ipv4Addr::new(169, 254, 0, 0), 16),
        (Ipv4Addr::new(172, 16, 0, 0), 12),
        (Ipv4Addr::new(192, 0, 0, 0), 24),
        (Ipv4Addr::new(192, 0, 2, 0), 24),
        (Ipv4Addr::new(192, 88, 99, 0), 24),
        (Ipv4Addr::new(192, 168, 0, 0), 16),
        (Ipv4Addr::new(198, 18, 0, 0), 15),
        (Ipv4Addr::new(198, 51, 100, 0), 24),
        (Ipv4Addr::new(203, 0, 113, 0), 24),
        // Multicast, and the reserved block with the broadcast address.
        (Ipv4Addr::new(224, 0, 0, 0), 4),
        (Ipv4Addr::new(240, 0, 0, 0), 4),
        (AZURE_WIRE, 32),
    ];
    let bits = address.to_bits();
    !CLOSED.iter().any(|(first, length)| (bits ^ first.to_bits()) >> (32 - length) == 0)
}

/// Only the block of global addresses, without its special parts. Loopback, unspecified, v4-compatible, local NAT64,
/// discard, unique-local, link-local, site-local and multicast addresses all lie outside of it.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let closed = |first: u128, length| within(address, first, length);
    within(address, 0x2000 << 112, 3)
        // Protocol assignments: Teredo, benchmarking, ORCHID.
        && !closed(0x2001 << 112, 23)
        && !closed(0x2001_0db8 << 96, 32)
        && !closed(0x3fff << 112, 20)
}

/// The IPv4 address inside a mapped, 6to4 or NAT64 address.
fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let bits = address.to_bits();
    #[expect(clippy::cast_possible_truncation, reason = "only the lowest 32 bits are wanted")]
    let at = |shift: u32| Some(Ipv4Addr::from_bits((bits >> shift) as u32));
    let mapped = within(address, 0xffff << 32, 96);
    let nat64 = within(address, 0x0064_ff9b << 96, 96);
    match () {
        () if mapped || nat64 => at(0),
        () if within(address, 0x2002 << 112, 16) => at(80),
        () => None,
    }
}

fn within(address: Ipv6Addr, first: u128, length: u32) -> bool {
    (address.to_bits() ^ first) >> (128 - length) == 0
}
