use coworker_agent::Invite;
use data_encoding::BASE32_NOPAD_NOCASE;
use proptest::prelude::*;

proptest! {
    #[test]
    fn any_text_is_a_code_or_an_error(text in "\\PC{0,300}") {
        let _ = text.parse::<Invite>();
        let _ = format!("coworker:{text}").parse::<Invite>();
    }

    /// Behind a good checksum any bytes may stand.
    #[test]
    fn any_bytes_with_a_checksum_are_a_code_or_an_error(key in any::<[u8; 32]>(), rest in any::<Vec<u8>>()) {
        let mut bytes = [&[1], &key[..], &rest].concat();
        let sum = blake3::hash(&bytes);
        bytes.extend(&sum.as_bytes()[..4]);
        let code = format!("coworker:{}", BASE32_NOPAD_NOCASE.encode(&bytes));
        if let Ok(invite) = code.parse::<Invite>() {
            prop_assert_eq!(invite.to_string().parse::<Invite>().unwrap(), invite);
        }
    }
}
