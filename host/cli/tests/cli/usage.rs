use crate::desk::Desk;

#[test]
fn wrong_usage_exits_with_two_and_says_so_in_json() {
    let wrong: &[&[&str]] = &[
        &["no-such-command"],
        &["call", "ada"],
        &["skill", "expose", "about", "--from", "friend"],
        &["init", "--name", "ada", "--network", "moon"],
        &["connect", "coworker:x", "--at", "nowhere"],
        &["call", "ada", "about", "{text: 1}"],
        &["call", "ada", "about", "@/no/such/file"],
    ];
    for words in wrong {
        let desk = Desk::empty();
        let said = desk.run(words);
        assert_eq!((said.exit, said.stdout.as_str()), (2, ""), "{words:?}: {}", said.stderr);
        assert!(said.stderr.starts_with("error: "), "{words:?}: {}", said.stderr);
        let document = desk.json(words);
        assert_eq!(document["error"]["code"], "USAGE", "{words:?}: {document}");
    }
}

#[test]
fn without_an_agent_every_command_names_init() {
    let commands: &[&[&str]] = &[
        &["status"],
        &["skill", "list"],
        &["serve"],
        &["invite"],
        &["peers"],
        &["trust", "list"],
        &["audit", "log"],
        &["call", "ada", "about"],
    ];
    for words in commands {
        let desk = Desk::empty();
        let said = desk.run(words);
        assert_eq!(said.exit, 2, "{words:?}: {}", said.stderr);
        assert!(said.stderr.contains("coworker init --name"), "{words:?}: {}", said.stderr);
        assert!(!desk.data().exists(), "{words:?} leaves nothing behind");
    }
}

#[test]
fn doctor_without_an_agent_fails_in_its_own_words() {
    let document = Desk::empty().json(&["doctor"]);
    assert_eq!(document["error"]["code"], "USAGE");
    assert_eq!(document["checks"][1]["name"], "configuration");
    assert_eq!(Desk::empty().run(&["doctor"]).exit, 1);
}

#[test]
fn init_needs_a_name_where_nobody_can_be_asked() {
    let desk = Desk::empty();
    assert_eq!(desk.json(&["init"])["error"]["code"], "USAGE");
    assert!(!desk.data().exists());
}

#[test]
fn a_data_directory_that_is_typed_is_in_the_commands_that_are_suggested() {
    let desk = Desk::empty();
    let data = desk.data().to_string_lossy().into_owned();
    let said = desk.run(&["--data", &data, "init", "--name", "ada"]);
    assert!(said.stdout.contains(&format!("coworker --data {data} serve")), "{}", said.stdout);
}
