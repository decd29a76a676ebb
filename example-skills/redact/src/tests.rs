use super::*;

fn all(text: &str) -> String {
    redact(Ask { text: text.to_owned(), kinds: everything() }).unwrap().text
}

/// Checks each text against its masked form.
fn check(cases: &[(&str, &str)]) {
    for (text, masked) in cases {
        assert_eq!(all(text), *masked, "{text}");
    }
}

/// Checks that nothing in the texts is masked.
fn keeps(texts: &[&str]) {
    for text in texts {
        assert_eq!(all(text), *text);
    }
}

#[test]
fn email_addresses() {
    check(&[
        ("Write to ada.l+x@mail.example.org.", "Write to [email]."),
        ("<a@b.io>,c_d@e-f.co.uk; 'g@h.de'", "<[email]>,[email]; '[email]'"),
        ("mailto:ada@example.org?subject=x", "mailto:[email]?subject=x"),
        ("jörg@müller.de und 李@例子.中国", "[email] und [email]"),
    ]);
    keeps(&["@ada wrote", "a @ b.c", "user@localhost", "x@1.2", "5 apples @ 3.50 each", "@@@@"]);
}

#[test]
fn phone_numbers() {
    check(&[
        ("Call +49 30 1234567, or +1-202-555-0143!", "Call [phone], or [phone]!"),
        ("+49 (0)171 123 45 67", "[phone]"),
        ("Tel.: 0049 30 1234567", "Tel.: [phone]"),
        ("(030) 1234567 / 0171/1234567", "[phone] / [phone]"),
        ("(212) 555-0143 or 212.555.0143 or 1 212 555 0143", "[phone] or [phone] or [phone]"),
        ("01 23 45 67 89; 020 7946 0958; 01711234567", "[phone]; [phone]; [phone]"),
        ("138 1234 5678，13812345678", "[phone]，[phone]"),
        ("+4930123456789", "[phone]"),
        ("on 24.12.2026 0171 1234567 rang", "on 24.12.2026 [phone] rang"),
        ("+49 30 12345678 2026 times", "[phone] 2026 times"),
    ]);
}

#[test]
fn other_numbers_are_not_phone_numbers() {
    keeps(&[
        "1234567890 and 4711 and 1.000.000,00 and 12 345 678",
        "24.12.2026, 2026-12-24 10:30:00, 12/24/2026, 01.02.2026 10:30",
        "2026-11-20T08:15:30.123456789Z",
        "123e4567-e89b-12d3-a456-426614174000 01234567-8901-2345-6789-012345678901",
        "0.1234567890123 and 3.14159265358979 and -0123456789.5",
        "192.168.100.200 and 10.0.0.1:8080",
        "ISBN 978-3-16-148410-0",
        "#0123456789 costs $202 555 0143",
        "version 1.2.3, pages 100-200, 5+1234567890",
        "4111 1111 1111 1111 and 4111 0123 4567 8901",
        "1700000000000 ms",
    ]);
}

#[test]
fn ibans() {
    check(&[
        ("DE89 3704 0044 0532 0130 00 is an example", "[iban] is an example"),
        ("IBAN:GB82WEST12345698765432.", "IBAN:[iban]."),
        ("fr14-2004-1010-0505-0001-3m02-606", "[iban]"),
        ("NO93 8601 1117 947, MT84MALT011000012345MTLCAST001S", "[iban], [iban]"),
    ]);
    // Wrong check digits, too long, an unknown country, words.
    keeps(&[
        "DE88 3704 0044 0532 0130 00",
        "GB82WEST123456987654321",
        "ZZ89370400440532013000",
        "DE and AT and CH in 2026",
    ]);
}

#[test]
fn keys_by_form() {
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";
    check(&[
        ("id AKIAIOSFODNN7EXAMPLE.", "id [key]."),
        (&format!("ghp_{}", "a1B2".repeat(9)), "[key]"),
        ("use sk-proj-abcDEF123456789_ghijk-lmn now", "use [key] now"),
        ("sk_live_4eC39HqLyjWDarjtT1zdp7dc", "[key]"),
        (&format!("Bearer {jwt}"), "Bearer [key]"),
        ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY0 x", "[key] x"),
        ("host/agent/src/outgoing/tT5zR8qLw2Xy9KmNp4Vb7Jc1Df6Gh3Qs", "host/agent/src/outgoing/[key]"),
        ("see a/b/tT5zR8qLw2Xy9KmNp4Vb7Jc1Df6Gh3Qs", "see a/b/[key]"),
    ]);
}

#[test]
fn keys_by_name() {
    check(&[
        ("password=hunter2-hunter2 ok", "password=[key] ok"),
        (r#"{"api_key": "0123456789abcdef", "n": 1}"#, r#"{"api_key": "[key]", "n": 1}"#),
        ("Authorization: Bearer abc123def456", "Authorization: Bearer [key]"),
        ("postgres://app:s3cr3t@db.example.org/x", "postgres://app:[key]/x"),
    ]);
    keeps(&["token: the word", "password: $PASSWORD1", "tokens = 12345678", "http://example.org:8080/a"]);
}

#[test]
fn private_keys() {
    let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQ==";
    check(&[
        (&format!("a\n-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\nb"), "a\n[key]\nb"),
        (&format!("-----BEGIN RSA PRIVATE KEY-----\n{body}\nSome words."), "[key]Some words."),
    ]);
    keeps(&["-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"]);
}

#[test]
fn ordinary_text_contains_no_keys() {
    keeps(&[
        "sk-learn-is-a-library-for-learning",
        "d41d8cd98f00b204e9800998ecf8427e 18ce48a0c3b5f0b1f6f0f3f0a0e4d5c6b7a89012",
        "https://github.com/SomeOrg/SomeProject2/blob/main/host/policy/src/VeryLongFileNameHere.rs",
        "AbstractSingletonProxyFactoryBean2ImplementationDetails",
        "eyJust a word, AKIA too",
        "the_quick_brown_fox_jumps_over_the_lazy_dog_2026_Times",
    ]);
}

#[test]
fn only_the_requested_kinds_are_masked_and_counted() {
    let json =
        r#"{"text": "a@b.org, c@d.org, +49 30 1234567, AKIAIOSFODNN7EXAMPLE", "kinds": ["key", "email"]}"#;
    let redacted = component().invoke("redact", json).unwrap();
    assert_eq!(
        redacted,
        r#"{"text":"[email], [email], +49 30 1234567, [key]","masked":[{"kind":"email","what":"e-mail address","count":2},{"kind":"key","what":"AWS access key","count":1}]}"#
    );
}

#[test]
fn bad_input_is_refused() {
    for json in
        [r#"{"text": "a", "kinds": []}"#, r#"{"text": "a", "kinds": ["names"]}"#, r#"{"txt": "a"}"#, "{}"]
    {
        let error = component().invoke("redact", json).unwrap_err();
        assert!(matches!(error, SkillError::InvalidInput(_)), "{json}");
    }
}

#[test]
fn long_texts_take_linear_time() {
    let (done, wait) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for piece in [
            "A word, a number 0171 12 and a@b. ",
            "@",
            "a@",
            "1",
            "0 ",
            "+",
            "(",
            "0-",
            "token=",
            "://a:b",
            "DE12 ",
            "-----BEGIN PRIVATE KEY-----",
            "-----BEGIN ",
            "eyJa.",
            "sk-",
            "a1B",
            "é",
            "-",
            "= ",
            "\"",
        ] {
            all(&piece.repeat(200_000 / piece.len()));
        }
        done.send(())
    });
    // A debug build takes a few seconds; quadratic time would take many minutes.
    wait.recv_timeout(std::time::Duration::from_mins(1)).unwrap();
}
